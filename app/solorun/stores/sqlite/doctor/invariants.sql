-- What must not be in the database, and how it is mended. A search answers rows whose columns its finding names; a
-- repair takes such a row as its parameters, and `now`.

-- name: find_step_without_run
-- Foreign keys were off once.
SELECT DISTINCT run_id FROM steps WHERE run_id NOT IN (SELECT id FROM runs);

-- name: repair_step_without_run
-- Nobody can reach them.
DELETE FROM steps WHERE run_id = :run_id;

-- name: find_segment_without_run
-- Foreign keys were off once.
SELECT DISTINCT run_id FROM segments WHERE run_id NOT IN (SELECT id FROM runs);

-- name: repair_segment_without_run
-- Nobody can reach them.
DELETE FROM segments WHERE run_id = :run_id;

-- name: find_second_active_run
-- Only without the partial unique index. (The unary plus keeps SQLite from trusting that index.)
SELECT older.id AS run_id, older.project, MAX(newer.id) AS newest
FROM runs AS older JOIN runs AS newer ON +newer.project = older.project AND newer.id > older.id
WHERE +older.status IN ('pending', 'running') AND +newer.status IN ('pending', 'running')
GROUP BY older.id, older.project;

-- name: find_active_run_without_owner
-- No service would say that it is its own.
SELECT id AS run_id, project, status FROM runs WHERE status IN ('pending', 'running') AND owner = '';

-- name: repair_by_interrupting
-- The steps of the run follow by the repair of those that have not ended.
UPDATE runs
SET status = 'interrupted', finished_at = :now, current_step = NULL,
    error_message = 'settled by solorun doctor'
WHERE id = :run_id;

-- name: find_ended_run_without_end
-- A terminal status and finished_at are written together.
SELECT id AS run_id, status FROM runs WHERE status NOT IN ('pending', 'running') AND finished_at IS NULL;

-- name: repair_ended_run_without_end
-- The best that is known.
UPDATE runs
SET finished_at = COALESCE((SELECT MAX(steps.finished_at) FROM steps WHERE steps.run_id = runs.id), started_at,
    created_at)
WHERE id = :run_id;

-- name: find_active_run_with_end
-- finished_at belongs to ended runs.
SELECT id AS run_id, status FROM runs WHERE status IN ('pending', 'running') AND finished_at IS NOT NULL;

-- name: repair_active_run_with_end
-- The status decides.
UPDATE runs SET finished_at = NULL WHERE id = :run_id;

-- name: find_pending_run_that_began
-- A run is running before its first step is.
SELECT id AS run_id FROM runs
WHERE status = 'pending' AND (started_at IS NOT NULL
    OR EXISTS (SELECT 1 FROM steps WHERE steps.run_id = runs.id AND steps.status <> 'pending'));

-- name: find_running_run_without_start
-- The status and started_at are written together.
SELECT id AS run_id FROM runs WHERE status = 'running' AND started_at IS NULL;

-- name: repair_by_starting
-- The next start of the service settles it.
UPDATE runs SET status = 'running', started_at = COALESCE(started_at, created_at) WHERE id = :run_id;

-- name: find_unended_step_of_ended_run
-- Steps end with their run.
SELECT runs.id AS run_id, runs.status AS run_status, steps.name AS step, steps.status AS status
FROM steps JOIN runs ON runs.id = steps.run_id
WHERE runs.status NOT IN ('pending', 'running') AND steps.status IN ('pending', 'running');

-- name: repair_unended_step_of_ended_run
-- As when a run is settled.
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
-- A step's records are among its run's.
SELECT runs.id AS run_id, steps.name AS step, runs.last_seq AS end_seq
FROM steps JOIN runs ON runs.id = steps.run_id
WHERE steps.first_seq > runs.last_seq OR steps.last_seq > runs.last_seq OR steps.last_seq < steps.first_seq;

-- name: repair_step_out_of_log
-- Without bounds its records are looked for in the whole log.
UPDATE steps SET first_seq = NULL, last_seq = NULL WHERE run_id = :run_id AND name = :step;

-- name: list_logs
-- What each run says of its log.
SELECT id, last_seq, debug_count, info_count, warning_count, error_count, first_error_seq FROM runs ORDER BY id;

-- name: repair_log
-- What its segments say.
UPDATE runs
SET last_seq = :last_seq, debug_count = :debug_count, info_count = :info_count, warning_count = :warning_count,
    error_count = :error_count, first_error_seq = :first_error_seq
WHERE id = :run_id;

-- name: list_stored_segments
-- A run's segments as they are; of those that begin together the longest first, so that it is the others that repeat.
SELECT id, first_seq, last_seq, debug_count, info_count, warning_count, error_count, has_events, payload
FROM segments WHERE run_id = :run_id ORDER BY first_seq, last_seq DESC;

-- name: delete_segment
-- One whose records are all in others.
DELETE FROM segments WHERE id = :id;

-- name: replace_segment
-- By what its records say.
UPDATE segments
SET first_seq = :first_seq, debug_count = :debug_count, info_count = :info_count, warning_count = :warning_count,
    error_count = :error_count, has_events = :has_events, payload_bytes = :payload_bytes, payload = :payload
WHERE id = :id;
