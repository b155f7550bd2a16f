-- Remembers which run each idempotency key has started. The key and the request are stored as hashes.

-- A rowid table, because the oldest keys have the smallest ids. No foreign key: a key outlives a run that is deleted,
-- so that a late retry does not start a second one.
CREATE TABLE idempotency_keys (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    key_hash BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    run_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project, key_hash)
);
