-- The invariants of the database. A `find` statement selects violations, whose columns appear in the finding's message;
-- a `repair` statement takes such a row, and `now`, as its parameters.

-- name: find_step_without_run
-- Written while foreign keys were off.
SELECT DISTINCT run_id FROM steps WHERE run_id NOT IN (SELECT id FROM runs);

-- name: repair_step_without_run
-- They are unreachable.
DELETE FROM steps WHERE run_id = :run_id;

-- name: find_segment_without_run
-- Written while foreign keys were off.
SELECT DISTINCT run_id FROM segments WHERE run_id NOT IN (SELECT id FROM runs);

-- name: repair_segment_without_run
-- They are unreachable.
DELETE FROM segments WHERE run_id = :run_id;

-- name: find_second_active_run
-- Possible only without the partial unique index. (The unary plus keeps SQLite from using that index.)
SELECT older.id AS run_id, older.project, MAX(newer.id) AS newest
FROM runs AS older JOIN runs AS newer ON +newer.project = older.project AND newer.id > older.id
WHERE +older.status IN ('pending', 'running') AND +newer.status IN ('pending', 'running')
GROUP BY older.id, older.project;

-- name: find_active_run_without_owner
-- No service considers the run its own.
SELECT id AS run_id, project, status FROM runs WHERE status IN ('pending', 'running') AND owner = '';

-- name: repair_by_interrupting
-- repair_unended_step_of_ended_run then ends its steps.
UPDATE runs
SET status = 'interrupted', finished_at = :now, current_step = NULL,
    error_message = 'interrupted by solorun doctor'
WHERE id = :run_id;

-- name: find_ended_run_without_end
-- A terminal status and finished_at are written together.
SELECT id AS run_id, status FROM runs WHERE status NOT IN ('pending', 'running') AND finished_at IS NULL;

-- name: repair_ended_run_without_end
-- The best available estimate.
UPDATE runs
SET finished_at = COALESCE((SELECT MAX(steps.finished_at) FROM steps WHERE steps.run_id = runs.id), started_at,
    created_at)
WHERE id = :run_id;

-- name: find_active_run_with_end
-- finished_at belongs to ended runs.
SELECT id AS run_id, status FROM runs WHERE status IN ('pending', 'running') AND finished_at IS NOT NULL;

-- name: repair_active_run_with_end
-- The status takes precedence.
UPDATE runs SET finished_at = NULL WHERE id = :run_id;

-- name: find_pending_run_that_began
-- A run starts before its first step.
SELECT id AS run_id FROM runs
WHERE status = 'pending' AND (started_at IS NOT NULL
    OR EXISTS (SELECT 1 FROM steps WHERE steps.run_id = runs.id AND steps.status <> 'pending'));

-- name: find_running_run_without_start
-- The status and started_at are written together.
SELECT id AS run_id FROM runs WHERE status = 'running' AND started_at IS NULL;

-- name: repair_by_starting
-- The next start of the service finalizes the run.
UPDATE runs SET status = 'running', started_at = COALESCE(started_at, created_at) WHERE id = :run_id;

-- name: find_unended_step_of_ended_run
-- Steps end with their run.
SELECT runs.id AS run_id, runs.status AS run_status, steps.name AS step, steps.status AS status
FROM steps JOIN runs ON runs.id = steps.run_id
WHERE runs.status NOT IN ('pending', 'running') AND steps.status IN ('pending', 'running');

-- name: repair_unended_step_of_ended_run
-- As when a run is finalized.
UPDATE steps
SET status = CASE WHEN status = 'pending' THEN 'skipped' ELSE :run_status END,
    finished_at = CASE WHEN status = 'pending' THEN finished_at
        ELSE (SELECT runs.finished_at FROM runs WHERE runs.id = :run_id) END
WHERE run_id = :run_id AND name = :step;

-- name: find_failed_step_of_completed_run
-- The first failure ends a run.
SELECT runs.id AS run_id, steps.name AS step, steps.status AS status
FROM steps JOIN runs ON runs.id = steps.run_id
WHERE runs.status = 'completed' AND steps.status IN ('failed', 'cancelled', 'interrupted');

-- name: find_step_out_of_log
-- The records of a step are part of the run's log.
SELECT runs.id AS run_id, steps.name AS step, runs.last_seq AS end_seq
FROM steps JOIN runs ON runs.id = steps.run_id
WHERE steps.first_seq > runs.last_seq OR steps.last_seq > runs.last_seq OR steps.last_seq < steps.first_seq;

-- name: repair_step_out_of_log
-- Without bounds, the whole log is searched for the step's records.
UPDATE steps SET first_seq = NULL, last_seq = NULL WHERE run_id = :run_id AND name = :step;

-- name: list_logs
-- Lists what each run's row says about its log.
SELECT id, last_seq, debug_count, info_count, warning_count, error_count, first_error_seq FROM runs ORDER BY id;

-- name: repair_log
-- Corrects a run's row from its segments.
UPDATE runs
SET last_seq = :last_seq, debug_count = :debug_count, info_count = :info_count, warning_count = :warning_count,
    error_count = :error_count, first_error_seq = :first_error_seq
WHERE id = :run_id;

-- name: list_stored_segments
-- Lists a run's segments as stored. Of segments that begin together the longest comes first, so that the others count
-- as repeats.
SELECT id, first_seq, last_seq, debug_count, info_count, warning_count, error_count, has_events, payload
FROM segments WHERE run_id = :run_id ORDER BY first_seq, last_seq DESC;

-- name: delete_segment
-- Deletes a segment whose records are all in others.
DELETE FROM segments WHERE id = :id;

-- name: replace_segment
-- Corrects a segment's row from its records.
UPDATE segments
SET first_seq = :first_seq, debug_count = :debug_count, info_count = :info_count, warning_count = :warning_count,
    error_count = :error_count, has_events = :has_events, payload_bytes = :payload_bytes, payload = :payload
WHERE id = :id;
