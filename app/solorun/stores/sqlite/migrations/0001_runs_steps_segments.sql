-- Runs, their steps, and their records in compressed segments. Times are in microseconds since 1970, UTC.

CREATE TABLE runs (
    -- AUTOINCREMENT: ids are never reused, even after a deletion, because other systems use them as fencing tokens.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    scope TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted')),
    owner TEXT NOT NULL,
    triggered_by TEXT NOT NULL,
    params TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    cancel_requested_at BIGINT,
    cancel_requested_by TEXT,
    cancel_reason TEXT,
    error_message TEXT,
    current_step TEXT,
    progress_current BIGINT,
    progress_total BIGINT,
    progress_item TEXT,
    last_seq BIGINT NOT NULL DEFAULT 0,
    debug_count BIGINT NOT NULL DEFAULT 0,
    info_count BIGINT NOT NULL DEFAULT 0,
    warning_count BIGINT NOT NULL DEFAULT 0,
    error_count BIGINT NOT NULL DEFAULT 0,
    first_error_seq BIGINT
);

-- The central promise: at most one active run per project, no matter which program writes.
CREATE UNIQUE INDEX runs_one_active_per_project ON runs (project) WHERE status IN ('pending', 'running');

CREATE INDEX runs_by_project ON runs (project, id);
CREATE INDEX runs_by_status ON runs (status, id);
CREATE INDEX runs_by_project_and_status ON runs (project, status, id);

-- For estimating how long a run will take.
CREATE INDEX runs_completed_by_scope ON runs (project, scope, id) WHERE status = 'completed';

CREATE TABLE steps (
    run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted', 'skipped')),
    started_at BIGINT,
    finished_at BIGINT,
    exit_code INTEGER,
    error_message TEXT,
    first_seq BIGINT,
    last_seq BIGINT,
    PRIMARY KEY (run_id, position)
);

-- A rowid table, because WITHOUT ROWID would waste half a page per blob. The payload is the last column, so that reading
-- the others does not touch its overflow pages.
CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    debug_count INTEGER NOT NULL,
    info_count INTEGER NOT NULL,
    warning_count INTEGER NOT NULL,
    error_count INTEGER NOT NULL,
    payload_bytes INTEGER NOT NULL,
    payload BLOB NOT NULL,
    UNIQUE (run_id, last_seq)
);
