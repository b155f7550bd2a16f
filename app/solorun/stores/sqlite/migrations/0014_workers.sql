-- Which processes can execute a run, and the version of its steps.

-- The labels that a worker must have, as a JSON array.
ALTER TABLE runs ADD COLUMN labels TEXT NOT NULL DEFAULT '["default"]';
ALTER TABLE runs ADD COLUMN pipeline TEXT;

CREATE INDEX runs_unclaimed ON runs (id) WHERE status = 'pending' AND owner IS NULL;
