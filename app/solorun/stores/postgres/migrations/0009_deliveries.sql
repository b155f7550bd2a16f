-- The outbox: deliveries of notifications. They are written in the transaction that ends a run.

-- A JSON object: for each target that receives news about the run, the events it receives. Null for none.
ALTER TABLE runs ADD COLUMN notify TEXT;

-- No foreign key: a delivery outlives a run that is deleted.
CREATE TABLE deliveries (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id TEXT NOT NULL,
    target TEXT NOT NULL,
    event TEXT NOT NULL,
    project TEXT NOT NULL,
    run_id BIGINT,
    detail TEXT NOT NULL DEFAULT '',
    occurred_at BIGINT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'given_up')),
    -- When it can be claimed, 0 for immediately. A claim moves it to the end of the claim.
    due_at BIGINT NOT NULL DEFAULT 0,
    claim TEXT,
    -- The first attempt. A day later the delivery is given up.
    tried_since BIGINT,
    finished_at BIGINT,
    attempt_count INTEGER NOT NULL DEFAULT 0,
    -- A JSON array.
    attempts TEXT NOT NULL DEFAULT '[]',
    payload BYTEA,
    UNIQUE (message_id, target)
);

CREATE INDEX deliveries_due ON deliveries (target, due_at) WHERE status = 'pending';
CREATE INDEX deliveries_by_run ON deliveries (run_id, id) WHERE run_id IS NOT NULL;
CREATE INDEX deliveries_finished ON deliveries (finished_at) WHERE finished_at IS NOT NULL;
