-- Runs that wait for their project or for resources, and the slots of resources that runs hold.

ALTER TABLE runs DROP CONSTRAINT runs_status;
ALTER TABLE runs ADD CONSTRAINT runs_status
    CHECK (status IN ('queued', 'pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted'));

-- The service that executes the run. Null until one has claimed it.
ALTER TABLE runs ALTER COLUMN owner DROP NOT NULL;

-- Its place in the project's queue: smaller ranks first, then smaller ids. 0 for a run that replaces another.
ALTER TABLE runs ADD COLUMN queue_rank INTEGER NOT NULL DEFAULT 1;
ALTER TABLE runs ADD COLUMN queue_deadline BIGINT;
-- The run that it replaces.
ALTER TABLE runs ADD COLUMN replaces BIGINT;
-- JSON objects: how many slots of each resource the run requires, and the numbers of those it received.
ALTER TABLE runs ADD COLUMN resources TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN slots TEXT NOT NULL DEFAULT '{}';

CREATE INDEX runs_queued ON runs (project, queue_rank, id) WHERE status = 'queued';

ALTER TABLE steps DROP CONSTRAINT steps_status;
ALTER TABLE steps ADD CONSTRAINT steps_status CHECK (status IN (
    'pending', 'waiting', 'running', 'completed', 'failed', 'cancelled', 'interrupted', 'skipped'));
-- As in runs, for the step alone.
ALTER TABLE steps ADD COLUMN resources TEXT NOT NULL DEFAULT '{}';
ALTER TABLE steps ADD COLUMN slots TEXT NOT NULL DEFAULT '{}';

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
    resource TEXT COLLATE "C" NOT NULL,
    slot INTEGER NOT NULL,
    run_id BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    -- The step that holds it; empty for the run itself.
    step TEXT NOT NULL DEFAULT '',
    held_since BIGINT NOT NULL,
    PRIMARY KEY (resource, slot)
);

CREATE INDEX holds_by_run ON holds (run_id);
