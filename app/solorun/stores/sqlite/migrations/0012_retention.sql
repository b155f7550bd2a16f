-- Runs that are never deleted, and runs that are being deleted.

ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));

-- Set in the transaction that hides a run from every reader. Later ones delete what it occupies, and then its row.
ALTER TABLE runs ADD COLUMN expired_at BIGINT;

CREATE INDEX runs_expired ON runs (id) WHERE expired_at IS NOT NULL;

-- The runs that were deleted lately. Every service deletes their files from its own data directory.
CREATE TABLE deleted_runs (
    deleted_at BIGINT NOT NULL,
    run_id BIGINT NOT NULL,
    PRIMARY KEY (deleted_at, run_id)
);
