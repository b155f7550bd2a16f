-- Runs that wait for their project or for resources, and the slots of resources that runs hold.
--
-- SQLite cannot change a CHECK: the tables are copied. Foreign keys are off while migrations are applied, or dropping the
-- old table would delete what refers to it.

CREATE TABLE new_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    scope TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('queued', 'pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted')),
    -- The service that executes the run. Null until one has claimed it.
    owner TEXT,
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
    first_error_seq BIGINT,
    -- Its place in the project's queue: smaller ranks first, then smaller ids. 0 for a run that replaces another.
    queue_rank INTEGER NOT NULL DEFAULT 1,
    queue_deadline BIGINT,
    -- The run that it replaces.
    replaces BIGINT,
    -- JSON objects: how many slots of each resource the run requires, and the numbers of those it received.
    resources TEXT NOT NULL DEFAULT '{}',
    slots TEXT NOT NULL DEFAULT '{}'
);

INSERT INTO new_runs (id, project, scope, status, owner, triggered_by, params, created_at, started_at, finished_at,
    cancel_requested_at, cancel_requested_by, cancel_reason, error_message, current_step, progress_current,
    progress_total, progress_item, last_seq, debug_count, info_count, warning_count, error_count, first_error_seq)
SELECT id, project, scope, status, owner, triggered_by, params, created_at, started_at, finished_at,
    cancel_requested_at, cancel_requested_by, cancel_reason, error_message, current_step, progress_current,
    progress_total, progress_item, last_seq, debug_count, info_count, warning_count, error_count, first_error_seq
FROM runs;

-- Ids continue above the largest one ever used, which may be that of a deleted run.
DELETE FROM sqlite_sequence WHERE name = 'new_runs';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_runs', seq FROM sqlite_sequence WHERE name = 'runs';

DROP TABLE runs;
ALTER TABLE new_runs RENAME TO runs;

CREATE UNIQUE INDEX runs_one_active_per_project ON runs (project) WHERE status IN ('pending', 'running');
CREATE INDEX runs_by_project ON runs (project, id);
CREATE INDEX runs_by_status ON runs (status, id);
CREATE INDEX runs_by_project_and_status ON runs (project, status, id);
CREATE INDEX runs_completed_by_scope ON runs (project, scope, id) WHERE status = 'completed';
CREATE INDEX runs_queued ON runs (project, queue_rank, id) WHERE status = 'queued';

CREATE TABLE new_steps (
    run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'waiting', 'running', 'completed', 'failed', 'cancelled', 'interrupted', 'skipped')),
    started_at BIGINT,
    finished_at BIGINT,
    exit_code INTEGER,
    error_message TEXT,
    first_seq BIGINT,
    last_seq BIGINT,
    -- As in runs, for the step alone.
    resources TEXT NOT NULL DEFAULT '{}',
    slots TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (run_id, position)
);

INSERT INTO new_steps (run_id, position, name, status, started_at, finished_at, exit_code, error_message, first_seq,
    last_seq)
SELECT run_id, position, name, status, started_at, finished_at, exit_code, error_message, first_seq, last_seq
FROM steps;

DROP TABLE steps;
ALTER TABLE new_steps RENAME TO steps;

-- The steps that wait for their resources.
CREATE TABLE step_waits (
    run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    resources TEXT NOT NULL,
    PRIMARY KEY (run_id, step)
);

-- What runs of several projects share, as declared.
CREATE TABLE resources (
    name TEXT PRIMARY KEY,
    slots INTEGER NOT NULL
);

-- The promise of a resource: a slot has at most one holder, no matter which program writes.
CREATE TABLE holds (
    resource TEXT NOT NULL,
    slot INTEGER NOT NULL,
    run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    -- The step that holds it; empty for the run itself.
    step TEXT NOT NULL DEFAULT '',
    held_since BIGINT NOT NULL,
    PRIMARY KEY (resource, slot)
);

CREATE INDEX holds_by_run ON holds (run_id);
