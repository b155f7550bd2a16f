-- The run that a run repeats. Not a foreign key: a rerun outlives the run that it repeats, and still names it.

ALTER TABLE runs ADD COLUMN rerun_of BIGINT;

CREATE INDEX runs_by_rerun_of ON runs (rerun_of, id) WHERE rerun_of IS NOT NULL;
