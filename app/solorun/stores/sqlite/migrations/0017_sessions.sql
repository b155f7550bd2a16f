-- Browser sessions, for every process that serves requests. Ids are stored as hashes that depend on the service's token.

CREATE TABLE sessions (
    key TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_expiry ON sessions (expires_at);
