-- Statements that only PostgreSQL has, and its own form of some fragments of the shared ones.

-- fragment: waits_or_holds_project
-- An insert that the index refuses would use up an id.
'queued', 'pending', 'running'

-- fragment: without_lease
-- Several services may use the database.
NOT EXISTS (SELECT 1 FROM owners WHERE owners.owner = runs.owner AND owners.lease_until > clock_timestamp())

-- fragment: notify_owner
-- Arrives when the transaction is committed.
RETURNING pg_notify('solorun', owner)

-- fragment: notify_workers
-- Arrives when the transaction is committed. Equal notifications of a transaction are one. Processes that execute
-- nothing do not listen.
RETURNING pg_notify('solorun_work', '')

-- fragment: fits_worker
-- Whether a worker has all labels of a run, and has not refused it.
(CAST(:labels AS JSONB) IS NULL OR CAST(labels AS JSONB) <@ CAST(:labels AS JSONB))
    AND NOT CAST(:refused AS JSONB) @> to_jsonb(id)

-- fragment: is_given
-- An array, unlike a join, always follows the index.
id = ANY (ARRAY(SELECT CAST(given AS BIGINT) FROM jsonb_array_elements_text(CAST(:run_ids AS JSONB)) AS given))

-- fragment: is_of_given
-- The same for a step.
run_id = ANY (ARRAY(SELECT CAST(given AS BIGINT) FROM jsonb_array_elements_text(CAST(:run_ids AS JSONB)) AS given))

-- fragment: skip_locked
-- Of the transactions that claim at the same time, each gets other runs.
FOR UPDATE SKIP LOCKED

-- name: wait_for_turn
-- Lets one transaction at a time start and promote runs. It also makes ids increase in the order of the starts.
SELECT pg_advisory_xact_lock(hashtext('solorun starts'), hashtext(current_schema()));

-- name: reserve_run_ids
-- Continues above `last_id`, unless a larger id was given out.
SELECT setval(pg_get_serial_sequence('runs', 'id'), :last_id)
WHERE :last_id > COALESCE(pg_sequence_last_value(CAST(pg_get_serial_sequence('runs', 'id') AS REGCLASS)), 0);

-- name: renew_lease
-- Renews the lease of an owner, or begins it. Forgets leases that ended long ago.
WITH forgotten AS (
    DELETE FROM owners WHERE owner <> :owner AND lease_until < clock_timestamp() - INTERVAL '1 day')
INSERT INTO owners (owner, lease_until, host, labels, capacity, directory)
VALUES (:owner, clock_timestamp() + :seconds * INTERVAL '1 second', :host, :labels, :capacity, :directory)
ON CONFLICT (owner) DO UPDATE SET lease_until = EXCLUDED.lease_until, seen_at = clock_timestamp()
RETURNING draining;

-- name: list_runs_of_predecessors
-- Lists the active runs of other processes with the same data directory.
SELECT runs.id FROM runs JOIN owners ON owners.owner = runs.owner
WHERE runs.status IN ('pending', 'running') AND owners.directory = :directory AND owners.owner <> :owner;

-- name: end_leases_of_predecessors
-- Ends the leases of other processes with the same data directory.
DELETE FROM owners WHERE directory = :directory AND owner <> :owner;

-- name: list_workers
-- Lists the processes that execute runs, each with its active runs, and those that were lost less than a day ago.
SELECT owners.owner, owners.host, owners.labels, owners.capacity,
    CASE WHEN owners.lease_until <= clock_timestamp() THEN 'lost' WHEN owners.draining THEN 'draining' ELSE 'active' END,
    ARRAY(SELECT runs.id FROM runs WHERE runs.owner = owners.owner AND runs.status IN ('pending', 'running') ORDER BY 1),
    owners.started_at, owners.seen_at
FROM owners WHERE owners.labels IS NOT NULL AND owners.seen_at > clock_timestamp() - INTERVAL '1 day'
ORDER BY owners.owner;

-- name: request_drain
-- Asks a worker to take no new runs.
UPDATE owners SET draining = TRUE WHERE owner = :owner AND labels IS NOT NULL
RETURNING pg_notify('solorun', owner);

-- name: notify
-- Notifies all processes when the transaction is committed.
SELECT pg_notify('solorun', :payload);

-- name: list_runs_of_owner
-- Lists the active runs of an owner, with the cancellations that were requested.
SELECT id, cancel_requested_at, cancel_requested_by, cancel_reason, cancel_grace_seconds FROM runs
WHERE owner = :owner AND status IN ('pending', 'running');

-- name: end_lease
-- Ends the lease of an owner.
DELETE FROM owners WHERE owner = :owner;

-- name: rewrite_schema_version
-- Writes a row with its own values: a commit that reaches the disk, and changes nothing.
UPDATE solorun_schema SET version = version;

-- name: list_leases
-- Lists the owners that have a lease.
SELECT owner FROM owners WHERE lease_until > clock_timestamp();

-- name: end_stalled_sessions
-- Ends the sessions that have waited for their client for so long within a transaction, or within a statement that the
-- client has sent in part. The server does so by itself only between two statements, and not after a Flush message, with
-- which the driver ends a pipeline.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user
    AND application_name = current_setting('application_name')
    AND xact_start IS NOT NULL AND wait_event = 'ClientRead'
    AND state_change < clock_timestamp() - :seconds * INTERVAL '1 second';

-- name: list_columns
-- Lists the columns of a schema with their types.
SELECT table_name || '.' || column_name, data_type || ' ' || is_nullable
FROM information_schema.columns WHERE table_schema = :schema ORDER BY 1;

-- name: list_indexes
-- Lists the indexes of a schema with their definitions. An invalid one does not count.
SELECT classes.relname, REGEXP_REPLACE(pg_get_indexdef(indexes.indexrelid), ' ON [^ ]+[.]', ' ON ')
FROM pg_index AS indexes
JOIN pg_class AS classes ON classes.oid = indexes.indexrelid
JOIN pg_namespace AS namespaces ON namespaces.oid = classes.relnamespace
WHERE namespaces.nspname = :schema AND indexes.indisvalid
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE pg_constraint.conindid = indexes.indexrelid AND contype <> 'f')
ORDER BY 1;
