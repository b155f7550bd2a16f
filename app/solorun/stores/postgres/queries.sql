-- Statements that only PostgreSQL has. One with the name of a shared statement replaces it.

-- name: wait_for_turn
-- Lets one transaction at a time start and promote runs.
SELECT pg_advisory_xact_lock(hashtext('solorun starts'), hashtext(current_schema()));

-- name: reserve_run_ids
-- Continues above `last_id`, unless a larger id was given out.
SELECT setval(pg_get_serial_sequence('runs', 'id'), :last_id)
WHERE :last_id > COALESCE(pg_sequence_last_value(CAST(pg_get_serial_sequence('runs', 'id') AS REGCLASS)), 0);

-- name: insert_run
-- Like the shared statement. Looks for the active run first: an insert that the index refuses would use up an id.
INSERT INTO runs (project, scope, status, owner, triggered_by, params, created_at, resources, slots)
SELECT :project, :scope, 'pending', :owner, :triggered_by, :params, :created_at, :resources, :slots
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE project = :project AND status IN ('queued', 'pending', 'running'))
ON CONFLICT (project) WHERE status IN ('pending', 'running') DO NOTHING
RETURNING id;

-- name: renew_lease
-- Renews the lease of an owner, or begins it. Forgets leases that ended long ago.
WITH forgotten AS (
    DELETE FROM owners WHERE owner <> :owner AND lease_until < clock_timestamp() - INTERVAL '1 day')
INSERT INTO owners (owner, lease_until) VALUES (:owner, clock_timestamp() + INTERVAL '30 seconds')
ON CONFLICT (owner) DO UPDATE SET lease_until = EXCLUDED.lease_until;

-- name: list_cancel_requests
-- Lists the active runs of an owner whose cancellation was requested.
SELECT id, cancel_requested_at, cancel_requested_by, cancel_reason, cancel_grace_seconds FROM runs
WHERE owner = :owner AND status IN ('pending', 'running') AND cancel_requested_at IS NOT NULL;

-- name: end_lease
-- Ends the lease of an owner.
DELETE FROM owners WHERE owner = :owner;

-- name: list_orphaned_runs
-- Lists the active runs of other owners whose lease has expired. A run without an owner has not begun.
SELECT {run_columns} FROM runs
WHERE status IN ('pending', 'running') AND owner <> :owner
    AND NOT EXISTS (
        SELECT 1 FROM owners WHERE owners.owner = runs.owner AND owners.lease_until > clock_timestamp())
ORDER BY id;

-- name: finalize_run
-- Like the shared statement, but for any owner it ends only a run whose owner has no lease.
UPDATE runs
SET status = :status, finished_at = :finished_at, cancel_settled_at = CASE
        WHEN cancel_requested_at IS NOT NULL THEN COALESCE(cancel_settled_at, :finished_at)
    END, error_message = :error_message, current_step = NULL,
    last_seq = last_seq + :record_count, debug_count = debug_count + :debug_count,
    info_count = info_count + :info_count, warning_count = warning_count + :warning_count,
    error_count = error_count + :error_count
WHERE id = :run_id AND status IN (:from_pending, :from_running)
    AND CASE WHEN CAST(:owner AS TEXT) IS NULL
        THEN NOT EXISTS (
            SELECT 1 FROM owners WHERE owners.owner = runs.owner AND owners.lease_until > clock_timestamp())
        ELSE COALESCE(owner, :owner) = :owner
    END
    AND (CAST(:previous_seq AS BIGINT) IS NULL OR last_seq = :previous_seq);

-- name: rewrite_schema_version
-- Writes a row with its own values: a commit that reaches the disk, and changes nothing.
UPDATE solorun_schema SET version = version;
