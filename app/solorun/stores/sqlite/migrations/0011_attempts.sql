-- The attempts of steps that are tried again: a JSON array. A step without retries has none here.

ALTER TABLE steps ADD COLUMN max_attempts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE steps ADD COLUMN attempts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE steps ADD COLUMN next_attempt_at BIGINT;
