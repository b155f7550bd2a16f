-- The state of schedules, and what became of each of their due times.

CREATE TABLE schedules (
    id TEXT PRIMARY KEY,
    -- What its due times depend on. Another timing begins afresh.
    timing TEXT NOT NULL,
    -- Due times up to this one are not considered: before it, the schedule was unknown, different or paused.
    begins_at BIGINT NOT NULL,
    paused_at BIGINT,
    paused_by TEXT,
    pause_reason TEXT
);

-- No foreign keys: a firing outlives its run, and a schedule that is no longer declared.
CREATE TABLE firings (
    schedule TEXT NOT NULL,
    project TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    fired_at BIGINT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('started', 'joined', 'refused', 'skipped', 'missed')),
    run_id BIGINT,
    reason TEXT NOT NULL,
    missed_count INTEGER NOT NULL,
    late_at BIGINT,
    late INTEGER,
    -- The promise: a due time fires once, no matter how many services see that it is due.
    PRIMARY KEY (schedule, due_at)
);

CREATE INDEX firings_by_due_at ON firings (due_at DESC, schedule);
CREATE INDEX firings_by_run ON firings (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX firings_not_settled ON firings (late_at) WHERE late_at IS NOT NULL AND late IS NULL;
