-- Which processes can execute a run, and the version of its steps.

-- The labels that a worker must have, as a JSON array.
ALTER TABLE runs ADD COLUMN labels TEXT NOT NULL DEFAULT '["default"]';
ALTER TABLE runs ADD COLUMN pipeline TEXT;

CREATE INDEX runs_unclaimed ON runs (id) WHERE status = 'pending' AND owner IS NULL;

-- The processes that execute runs. A null `labels` is that of a process that executes none.
ALTER TABLE owners ADD COLUMN host TEXT;
ALTER TABLE owners ADD COLUMN labels TEXT;
ALTER TABLE owners ADD COLUMN capacity INTEGER;
ALTER TABLE owners ADD COLUMN started_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp();
ALTER TABLE owners ADD COLUMN seen_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp();
ALTER TABLE owners ADD COLUMN draining BOOLEAN NOT NULL DEFAULT FALSE;
