-- A firing keeps how its run ended, because retention may delete the run.

ALTER TABLE firings ADD COLUMN run_status TEXT;
ALTER TABLE firings ADD COLUMN run_started_at BIGINT;
ALTER TABLE firings ADD COLUMN run_finished_at BIGINT;
-- When the run completed, or the first of its reruns.
ALTER TABLE firings ADD COLUMN completed_at BIGINT;

UPDATE firings
SET run_status = runs.status, run_started_at = runs.started_at, run_finished_at = runs.finished_at
FROM runs
WHERE runs.id = firings.run_id AND runs.status NOT IN ('queued', 'pending', 'running');

UPDATE firings SET completed_at = (
    SELECT MIN(done.finished_at) FROM runs AS done
    WHERE done.status = 'completed' AND firings.run_id IN (done.id, done.rerun_of))
WHERE run_id IS NOT NULL;

-- The schedule was reported late then, and has not completed since.
ALTER TABLE schedules ADD COLUMN late_since BIGINT;
