-- Statements that only PostgreSQL has. One with the name of a shared statement replaces it.

-- name: lock_project
-- Lets one transaction at a time start a run of the project, so that ids increase in the order of the starts.
SELECT pg_advisory_xact_lock(hashtext('solorun project'), hashtext(:project));

-- name: reserve_run_ids
-- Continues above `last_id`, unless a larger id was given out.
SELECT setval(pg_get_serial_sequence('runs', 'id'), :last_id)
WHERE :last_id > COALESCE(pg_sequence_last_value(CAST(pg_get_serial_sequence('runs', 'id') AS REGCLASS)), 0);

-- name: renew_leases
-- Renews the leases of an owner's active runs.
UPDATE runs SET lease_until = clock_timestamp() + INTERVAL '30 seconds'
WHERE owner = :owner AND status IN ('pending', 'running');

-- name: expire_leases
-- Ends the leases of an owner's active runs.
UPDATE runs SET lease_until = clock_timestamp() WHERE owner = :owner AND status IN ('pending', 'running');

-- name: list_orphaned_runs
-- Lists the active runs of other owners whose lease has expired.
SELECT {run_columns} FROM runs
WHERE status IN ('pending', 'running') AND owner <> :owner AND lease_until <= clock_timestamp() ORDER BY id;

-- name: finalize_run
-- Like the shared statement, but without an owner it ends only a run whose lease has expired.
UPDATE runs
SET status = :status, finished_at = :finished_at, error_message = :error_message, current_step = NULL,
    last_seq = last_seq + :record_count, debug_count = debug_count + :debug_count,
    info_count = info_count + :info_count, warning_count = warning_count + :warning_count,
    error_count = error_count + :error_count
WHERE id = :run_id AND status IN (:from_pending, :from_running)
    AND (owner = :owner OR (CAST(:owner AS TEXT) IS NULL AND lease_until <= clock_timestamp()))
    AND (CAST(:previous_seq AS BIGINT) IS NULL OR last_seq = :previous_seq);

-- name: rewrite_schema_version
-- Writes a row with its own values: a commit that reaches the disk, and changes nothing.
UPDATE solorun_schema SET version = version;
