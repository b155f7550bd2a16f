-- All statements of the store, in SQL that both SQLite and PostgreSQL accept.
-- `-- name:` begins a statement, and the next comment describes it. `{...}` inserts a fragment.

-- fragment: run_columns
id, project, scope, status, triggered_by, params, created_at, rerun_of, started_at, finished_at, cancel_requested_at,
cancel_requested_by, cancel_reason, cancel_grace_seconds, cancel_signalled_at, cancel_position, cancel_effect,
cancel_settled_at, error_message, current_step, progress_current, progress_total, progress_item, last_seq, debug_count,
info_count, warning_count, error_count, first_error_seq, resources, slots, replaces, queue_deadline, pinned, owner,
labels, refusals, pipeline, traceparent

-- fragment: is_not_expired
-- The log of an expired run is being deleted: no reader may see a part of it.
EXISTS (SELECT 1 FROM runs WHERE runs.id = :run_id AND runs.expired_at IS NULL)

-- fragment: segment_columns
run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count, has_events, payload_bytes, payload

-- fragment: delivery_columns
id, message_id, target, event, project, run_id, status, detail, occurred_at, due_at, finished_at, attempt_count, attempts

-- fragment: from_recent_results
-- The recent runs of a project that have ended. A replacement may overtake older runs, so the times of some runs decide
-- which one ended last, not their ids. Cancelled runs do not count.
FROM (SELECT id, status, finished_at FROM runs WHERE project = :project ORDER BY id DESC LIMIT 200) AS recent
WHERE recent.status IN ('completed', 'failed', 'interrupted')

-- fragment: with_names
-- The names of projects. Jumps along the index from project to project, regardless of how many runs each has.
WITH RECURSIVE names (name) AS (
    SELECT MIN(project) FROM runs
    UNION ALL
    SELECT (SELECT MIN(runs.project) FROM runs WHERE runs.project > names.name) FROM names WHERE names.name IS NOT NULL
)

-- fragment: step_columns
name, status, started_at, finished_at, exit_code, error_message, first_seq, last_seq, resources, slots, max_attempts,
attempts, next_attempt_at

-- fragment: is_given
-- Whether the id of a run is in a list.
id IN (SELECT given.value FROM json_each(:run_ids) AS given)

-- fragment: is_of_given
-- Whether the run of a step is in a list.
run_id IN (SELECT given.value FROM json_each(:run_ids) AS given)

-- fragment: waits_or_holds_project
-- The statuses of the runs that keep another run of the project from being pending. The index decides for active ones.
-- In SQLite, an insert that it refuses uses up an id, so that the id of a queued run may skip one. That harms nothing.
'queued'

-- fragment: without_lease
-- Whether the owner of a run may be presumed dead. With a database for one service, every other owner is.
TRUE

-- fragment: notify_owner
-- Notifies the owner of an updated run. With a database for one service, that is the one that updates it.

-- fragment: notify_workers
-- Notifies the processes that may execute a run. With a database for one service, that is the one that updates it.

-- fragment: fits_worker
-- Whether a worker has all labels of a run, and has not refused it.
(CAST(:labels AS TEXT) IS NULL OR NOT EXISTS (
    SELECT 1 FROM json_each(runs.labels) AS needed
    WHERE needed.value NOT IN (SELECT given.value FROM json_each(:labels) AS given)))
    AND id NOT IN (SELECT refused.value FROM json_each(:refused) AS refused)

-- fragment: skip_locked
-- Leaves a row to another transaction that claims it. With a database for one service, there is none.

-- name: insert_run
-- Inserts a pending run. Returns no row if the project has an active run, which the partial unique index decides, or if
-- another run of the project was queued first.
INSERT INTO runs (project, scope, status, owner, triggered_by, params, created_at, rerun_of, resources, slots, notify,
    labels, pipeline, traceparent)
SELECT :project, :scope, 'pending', :owner, :triggered_by, :params, :created_at, :rerun_of, :resources, :slots,
    :notify, :labels, :pipeline, :traceparent
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE project = :project AND status IN ({waits_or_holds_project}))
ON CONFLICT (project) WHERE status IN ('pending', 'running') DO NOTHING
RETURNING {run_columns};

-- name: insert_queued_run
-- Inserts a queued run, unless `queue_max` runs of the project are queued.
INSERT INTO runs (project, scope, status, triggered_by, params, created_at, rerun_of, queue_rank, queue_deadline,
    replaces, resources, notify, labels, pipeline,
    traceparent)
SELECT :project, :scope, 'queued', :triggered_by, :params, :created_at, :rerun_of, :queue_rank, :queue_deadline,
    :replaces, :resources, :notify, :labels, :pipeline, :traceparent
WHERE (SELECT COUNT(*) FROM runs WHERE project = :project AND status = 'queued') < :queue_max
RETURNING {run_columns};

-- name: insert_step
-- Inserts a step of a new run.
INSERT INTO steps (run_id, position, name, status, resources) VALUES (:run_id, :position, :name, 'pending', :resources);

-- name: select_queue_heads
-- Selects the first queued run of each project, and whether the project has no active run.
SELECT id, resources, NOT EXISTS (
    SELECT 1 FROM runs AS active WHERE active.project = head.project AND active.status IN ('pending', 'running'))
FROM runs AS head
WHERE status = 'queued' AND id = (
    SELECT first.id FROM runs AS first
    WHERE first.project = head.project AND first.status = 'queued' ORDER BY first.queue_rank, first.id LIMIT 1);

-- name: select_replacement
-- Selects the queued run of a project that replaces the active one.
SELECT id, replaces FROM runs WHERE project = :project AND status = 'queued' AND queue_rank = 0;

-- name: list_waiting_steps
-- Lists the steps that wait for their resources.
SELECT run_id, step, resources FROM step_waits;

-- name: select_step_resources
-- Selects what a step of an active run of ours requires.
SELECT steps.resources FROM steps JOIN runs ON runs.id = steps.run_id
WHERE steps.run_id = :run_id AND steps.name = :step AND runs.owner = :owner
    AND runs.status IN ('pending', 'running');

-- name: insert_wait
-- Lets a step wait for its resources.
INSERT INTO step_waits (run_id, step, resources) VALUES (:run_id, :step, :resources) ON CONFLICT (run_id, step) DO NOTHING;

-- name: delete_wait
-- Ends the wait of a step.
DELETE FROM step_waits WHERE run_id = :run_id AND step = :step;

-- name: delete_waits
-- Ends the waits of a run's steps.
DELETE FROM step_waits WHERE run_id = :run_id;

-- name: list_slots_of_step
-- Lists the slots that a step holds.
SELECT resource, slot FROM holds WHERE run_id = :run_id AND step = :step;

-- name: give_slots_to_step
-- Records the slots that a step has received.
UPDATE steps SET slots = :slots WHERE run_id = :run_id AND name = :step;

-- name: release_step
-- Releases the slots of a step.
DELETE FROM holds WHERE run_id = :run_id AND step = :step;

-- name: promote_run
-- Makes a queued run pending. It has no owner until a process claims it.
UPDATE runs SET status = 'pending', slots = :slots WHERE id = :run_id AND status = 'queued'
{notify_workers};

-- name: claim_runs
-- Claims pending runs without an owner. They are chosen once: evaluated for each row, the limit would not hold.
WITH chosen AS MATERIALIZED (
    SELECT id FROM runs WHERE status = 'pending' AND owner IS NULL AND {fits_worker}
    ORDER BY id LIMIT :limit {skip_locked})
UPDATE runs SET owner = :owner WHERE owner IS NULL AND id IN (SELECT chosen.id FROM chosen)
RETURNING id;

-- name: return_run
-- Gives up a claim, with records that say why. A null `previous_seq` means that there are none.
UPDATE runs SET owner = NULL, refusals = COALESCE(CAST(:refusals AS TEXT), refusals),
    last_seq = last_seq + :record_count, warning_count = warning_count + :warning_count
WHERE id = :run_id AND owner = :owner AND status = 'pending' AND (cancel_requested_at IS NOT NULL) = :is_cancelled
    AND (CAST(:previous_seq AS BIGINT) IS NULL OR last_seq = :previous_seq)
{notify_workers};

-- name: list_resources
-- Lists the declared resources.
SELECT name, slots FROM resources ORDER BY name;

-- name: delete_resources
-- Deletes the declared resources.
DELETE FROM resources;

-- name: insert_resource
-- Declares a resource.
INSERT INTO resources (name, slots) VALUES (:name, :slots);

-- name: list_held_slots
-- Lists the slots that are held.
SELECT resource, slot FROM holds;

-- name: list_holds
-- Lists the slots that are held, with their holders.
SELECT holds.resource, holds.slot, holds.run_id, runs.project, holds.step, holds.held_since
FROM holds JOIN runs ON runs.id = holds.run_id ORDER BY holds.resource, holds.slot;

-- name: insert_hold
-- Takes a slot. The primary key decides that it is free.
INSERT INTO holds (resource, slot, run_id, step, held_since) VALUES (:resource, :slot, :run_id, :step, :held_since);

-- name: release_holds
-- Releases the slots of a run and of its steps.
DELETE FROM holds WHERE run_id = :run_id;

-- name: select_key
-- Selects the run to which an idempotency key has led, and how and by which request.
SELECT run_id, fingerprint, result FROM idempotency_keys
WHERE project = :project AND key_hash = :key_hash AND created_at > :expired_at;

-- name: insert_key
-- Records the run to which an idempotency key leads, unless it has led to one.
INSERT INTO idempotency_keys (project, key_hash, fingerprint, run_id, result, acknowledged, created_at)
VALUES (:project, :key_hash, :fingerprint, :run_id, :result, :acknowledged, :created_at)
ON CONFLICT (project, key_hash) DO NOTHING;

-- name: acknowledge_key
-- Records that a repeated start is answered with the run of its key.
UPDATE idempotency_keys SET acknowledged = 1
WHERE project = :project AND key_hash = :key_hash AND created_at > :expired_at;

-- name: select_acknowledged_key
-- Selects whether a start was answered with a run, other than by the service that inserted it.
SELECT 1 FROM idempotency_keys
WHERE run_id = :run_id AND acknowledged = 1 AND project = (SELECT runs.project FROM runs WHERE runs.id = :run_id);

-- name: delete_expired_keys
-- Deletes this key and the two oldest, if they have expired: the table shrinks while keys are added.
DELETE FROM idempotency_keys
WHERE created_at <= :expired_at
    AND (id IN (SELECT oldest.id FROM idempotency_keys AS oldest ORDER BY oldest.id LIMIT 2)
        OR (project = :project AND key_hash = :key_hash));

-- name: delete_keys_of_run
-- Deletes the keys that have led to a run, unless it belongs to another owner.
DELETE FROM idempotency_keys
WHERE run_id = :run_id AND project = (
    SELECT runs.project FROM runs WHERE runs.id = :run_id AND COALESCE(runs.owner, :owner) = :owner);

-- name: record_delivery
-- Replaces the last delivery to a hook.
INSERT INTO hook_deliveries (project, hook, delivered_at, event, outcome, run_id, reason)
VALUES (:project, :hook, :delivered_at, :event, :outcome, :run_id, :reason)
ON CONFLICT (project, hook) DO UPDATE
SET delivered_at = excluded.delivered_at, event = excluded.event, outcome = excluded.outcome,
    run_id = excluded.run_id, reason = excluded.reason;

-- name: list_last_deliveries
-- Lists the last delivery to each hook.
SELECT project, hook, delivered_at, event, outcome, run_id, reason FROM hook_deliveries;

-- name: insert_session
-- Begins a browser session.
INSERT INTO sessions (key, expires_at) VALUES (:key, :expires_at);

-- name: delete_old_sessions
-- Deletes the sessions that have expired, and the oldest of too many.
DELETE FROM sessions
WHERE expires_at <= :now OR expires_at < (
    SELECT MIN(newest.expires_at)
    FROM (SELECT expires_at FROM sessions ORDER BY expires_at DESC LIMIT :max_open) AS newest);

-- name: select_session
-- Finds an open session.
SELECT 1 FROM sessions WHERE key = :key AND expires_at > :now;

-- name: delete_session
-- Ends a session.
DELETE FROM sessions WHERE key = :key;

-- name: count_sessions
-- Counts the open sessions.
SELECT COUNT(*) FROM sessions WHERE expires_at > :now;

-- name: insert_unmasked_params
-- Keeps the parameters that the row of a queued run has masked.
INSERT INTO unmasked_params (run_id, params) VALUES (:run_id, :params);

-- name: select_unmasked_params
-- Selects those of a run.
SELECT params FROM unmasked_params WHERE run_id = :run_id;

-- name: list_unmasked_params
-- Lists those of all runs.
SELECT run_id, params FROM unmasked_params;

-- name: count_unmasked_params
-- Counts the runs whose unmasked parameters are kept.
SELECT COUNT(*) FROM unmasked_params;

-- name: delete_unmasked_params
-- Deletes those of all runs.
DELETE FROM unmasked_params;

-- name: request_cancel
-- Records the first request to cancel an active run. Later requests can only shorten its grace.
UPDATE runs
SET cancel_requested_at = COALESCE(cancel_requested_at, :at),
    cancel_requested_by = COALESCE(cancel_requested_by, :requested_by),
    cancel_reason = COALESCE(cancel_reason, :reason),
    cancel_grace_seconds = CASE
        WHEN cancel_grace_seconds <= :grace_seconds THEN cancel_grace_seconds
        ELSE COALESCE(:grace_seconds, cancel_grace_seconds)
    END
WHERE id = :run_id AND status IN ('pending', 'running')
{notify_owner};

-- name: record_cancel
-- Records a cancel and what came of it, if the batch's update of the run will match.
UPDATE runs
SET cancel_requested_at = :at, cancel_requested_by = :requested_by, cancel_reason = :reason,
    cancel_grace_seconds = :grace_seconds, cancel_signalled_at = :signalled_at, cancel_position = :position,
    cancel_effect = :effect, cancel_settled_at = :settled_at
WHERE id = :run_id AND owner = :owner AND status IN (:from_pending, :from_running)
    AND last_seq IN (:previous_seq, :last_seq);

-- name: cancel_queued_run
-- Ends a run that is queued, or that no process has claimed: it has no work to stop.
UPDATE runs
SET status = 'cancelled', finished_at = :at, cancel_requested_at = :at, cancel_requested_by = :requested_by,
    cancel_reason = :reason, cancel_settled_at = :at
WHERE id = :run_id AND (status = 'queued' OR (status = 'pending' AND owner IS NULL));

-- name: advance_run
-- Updates a run after new records; the first ones make a pending run running. The log must end where the segment
-- begins, or contain it already.
UPDATE runs
SET status = :active_status, started_at = COALESCE(started_at, :started_at), current_step = :current_step,
    progress_current = :progress_current, progress_total = :progress_total, progress_item = :progress_item,
    last_seq = :last_seq, debug_count = :debug_count, info_count = :info_count, warning_count = :warning_count,
    error_count = :error_count, first_error_seq = :first_error_seq
WHERE id = :run_id AND owner = :owner AND status IN (:from_pending, :from_running)
    AND last_seq IN (:previous_seq, :last_seq);

-- name: end_run
-- Like advance_run, and ends the run. `from_pending` and `from_running` are the statuses it may end from, or null.
UPDATE runs
SET status = :status, started_at = COALESCE(started_at, :started_at), finished_at = :finished_at,
    error_message = :error_message, current_step = NULL, progress_current = :progress_current,
    progress_total = :progress_total, progress_item = :progress_item, last_seq = :last_seq,
    debug_count = :debug_count, info_count = :info_count, warning_count = :warning_count, error_count = :error_count,
    first_error_seq = :first_error_seq, cancel_settled_at = CASE
        WHEN cancel_requested_at IS NOT NULL THEN COALESCE(cancel_settled_at, :finished_at)
    END
WHERE id = :run_id AND owner = :owner AND status IN (:from_pending, :from_running)
    AND last_seq IN (:previous_seq, :last_seq);

-- name: insert_segment
-- Inserts a segment, unless it exists already.
INSERT INTO segments (run_id, first_seq, last_seq, debug_count, info_count, warning_count, error_count,
    has_events, payload_bytes, payload)
VALUES (:run_id, :first_seq, :last_seq, :debug_count, :info_count, :warning_count, :error_count,
    :has_events, :payload_bytes, :payload)
ON CONFLICT (run_id, last_seq) DO NOTHING;

-- name: update_step
-- Updates a step.
UPDATE steps
SET status = :status, started_at = :started_at, finished_at = :finished_at, exit_code = :exit_code,
    error_message = :error_message, first_seq = :first_seq, last_seq = :last_seq, max_attempts = :max_attempts,
    attempts = :attempts, next_attempt_at = :next_attempt_at
WHERE run_id = :run_id AND name = :name;

-- name: finalize_run
-- Ends a run that has no task. `from_pending` and `from_running` as in end_run; a null owner means any owner, and a null
-- `previous_seq` that there are no closing records.
UPDATE runs
SET status = :status, finished_at = :finished_at, cancel_settled_at = CASE
        WHEN cancel_requested_at IS NOT NULL THEN COALESCE(cancel_settled_at, :finished_at)
    END, error_message = :error_message, current_step = NULL,
    last_seq = last_seq + :record_count, debug_count = debug_count + :debug_count,
    info_count = info_count + :info_count, warning_count = warning_count + :warning_count,
    error_count = error_count + :error_count
WHERE id = :run_id AND status IN (:from_pending, :from_running)
    AND (COALESCE(owner, :owner) = :owner OR (CAST(:owner AS TEXT) IS NULL AND owner IS NOT NULL AND {without_lease}))
    AND (CAST(:previous_seq AS BIGINT) IS NULL OR last_seq = :previous_seq);

-- name: finalize_started_steps
-- Ends the steps of a finalized run that have started, even if they wait for their next attempt. All records up to the
-- run's last one may be theirs.
UPDATE steps
SET status = :status, finished_at = :finished_at, error_message = :error_message, next_attempt_at = NULL,
    last_seq = CASE
        WHEN first_seq IS NULL THEN last_seq
        ELSE (SELECT runs.last_seq FROM runs WHERE runs.id = :run_id)
    END
WHERE run_id = :run_id AND (status = 'running' OR (status = 'waiting' AND started_at IS NOT NULL));

-- name: finalize_pending_steps
-- Skips the pending steps of a finalized run.
UPDATE steps SET status = 'skipped' WHERE run_id = :run_id AND status IN ('pending', 'waiting');

-- name: select_run_state
-- Selects the columns that explain why an update did not match.
SELECT owner, status, finished_at, error_message, last_seq FROM runs WHERE id = :run_id;

-- name: select_run
-- Selects a run.
SELECT {run_columns} FROM runs WHERE id = :run_id AND expired_at IS NULL;

-- name: list_given_runs
-- Lists runs by their ids.
SELECT {run_columns} FROM runs WHERE {is_given} AND expired_at IS NULL;

-- name: select_existence
-- Selects whether a run exists.
SELECT {is_not_expired};

-- name: select_steps
-- Selects the steps of a run, in order.
SELECT {step_columns} FROM steps WHERE run_id = :run_id ORDER BY position;

-- name: list_steps
-- Lists the steps of several runs, each run's in order.
SELECT run_id, {step_columns} FROM steps WHERE {is_of_given} ORDER BY run_id, position;

-- name: select_active_run
-- Selects the active run of a project.
SELECT {run_columns} FROM runs WHERE project = :project AND status IN ('pending', 'running');

-- name: select_latest_run
-- Selects the newest run of a project.
SELECT {run_columns} FROM runs WHERE project = :project AND expired_at IS NULL ORDER BY id DESC LIMIT 1;

-- name: list_runs
-- Lists runs with smaller ids, newest first.
SELECT {run_columns} FROM runs WHERE id < :before_id AND expired_at IS NULL ORDER BY id DESC LIMIT :limit;

-- name: list_runs_of_project
-- Like list_runs, for one project.
SELECT {run_columns} FROM runs
WHERE project = :project AND id < :before_id AND expired_at IS NULL ORDER BY id DESC LIMIT :limit;

-- name: list_runs_with_status
-- Like list_runs, for one status. Several statuses take several statements, each of which follows an index.
SELECT {run_columns} FROM runs
WHERE status = :status AND id < :before_id AND expired_at IS NULL ORDER BY id DESC LIMIT :limit;

-- name: list_runs_of_project_with_status
-- Like list_runs_with_status, for one project.
SELECT {run_columns} FROM runs
WHERE project = :project AND status = :status AND id < :before_id AND expired_at IS NULL
ORDER BY id DESC LIMIT :limit;

-- name: list_reruns
-- Like list_runs, for the runs that repeat one run. A null project means any project.
SELECT {run_columns} FROM runs
WHERE rerun_of = :rerun_of AND (CAST(:project AS TEXT) IS NULL OR project = :project) AND id < :before_id
    AND expired_at IS NULL
ORDER BY id DESC LIMIT :limit;

-- name: list_reruns_with_status
-- Like list_reruns, for one status.
SELECT {run_columns} FROM runs
WHERE rerun_of = :rerun_of AND (CAST(:project AS TEXT) IS NULL OR project = :project) AND status = :status
    AND id < :before_id AND expired_at IS NULL
ORDER BY id DESC LIMIT :limit;

-- name: list_project_names
-- Lists the projects that have runs.
{with_names}
SELECT name FROM names
WHERE EXISTS (SELECT 1 FROM runs WHERE runs.project = names.name AND runs.expired_at IS NULL);

-- name: list_latest_runs
-- Lists the newest run of each project.
{with_names}
SELECT {run_columns} FROM names
JOIN runs ON runs.id = (
    SELECT MAX(newest.id) FROM runs AS newest WHERE newest.project = names.name AND newest.expired_at IS NULL)
ORDER BY runs.project;

-- name: list_queued_runs
-- Lists the queued runs of each project, in the order in which they will begin.
SELECT {run_columns} FROM runs WHERE status = 'queued' ORDER BY project, queue_rank, id;

-- name: list_foreign_runs
-- Lists the active runs of other owners, and those that no process has claimed.
SELECT {run_columns} FROM runs WHERE status IN ('pending', 'running') AND COALESCE(owner, '') <> :owner ORDER BY id;

-- name: list_orphaned_runs
-- Lists the active runs of other owners that may be presumed dead. A run without an owner has not begun.
SELECT {run_columns} FROM runs
WHERE status IN ('pending', 'running') AND owner <> :owner AND {without_lease} ORDER BY id;

-- name: list_durations
-- Lists the durations of the last completed runs of a scope, in microseconds.
SELECT finished_at - started_at FROM runs
WHERE project = :project AND scope = :scope AND status = 'completed'
    AND started_at IS NOT NULL AND finished_at IS NOT NULL
ORDER BY id DESC LIMIT 20;

-- name: list_segments_after
-- Lists segments with records after a seq, oldest first, that have records of a selected level (1 selected, 0 not).
SELECT {segment_columns} FROM segments
WHERE run_id = :run_id AND last_seq > :after
    AND debug_count * :debug + info_count * :info + warning_count * :warning + error_count * :error > 0
    AND {is_not_expired}
ORDER BY last_seq LIMIT :limit;

-- name: list_segments_with_events_after
-- Like list_segments_after, without segments known to have no events.
SELECT {segment_columns} FROM segments
WHERE run_id = :run_id AND last_seq > :after AND has_events = 1
    AND debug_count * :debug + info_count * :info + warning_count * :warning + error_count * :error > 0
    AND {is_not_expired}
ORDER BY last_seq LIMIT :limit;

-- name: list_segments_before
-- Like list_segments_after, but with records before a seq, newest first. Segments do not overlap: these are the ones
-- that end before the seq, and the one that contains it.
SELECT {segment_columns} FROM segments
WHERE run_id = :run_id AND first_seq < :before
    AND last_seq <= COALESCE((SELECT MIN(last_seq) FROM segments WHERE run_id = :run_id AND last_seq >= :before),
        :before)
    AND debug_count * :debug + info_count * :info + warning_count * :warning + error_count * :error > 0
    AND {is_not_expired}
ORDER BY last_seq DESC LIMIT :limit;

-- name: delete_segments
-- Deletes the segments that a larger one replaces.
DELETE FROM segments WHERE run_id = :run_id AND first_seq >= :first_seq AND last_seq BETWEEN :first_seq AND :last_seq;

-- name: select_last_segment
-- Selects the last seq of a run's segments; null if it has none.
SELECT MAX(last_seq) FROM segments WHERE run_id = :run_id;

-- name: set_pinned
-- Pins or unpins a run.
UPDATE runs SET pinned = :pinned WHERE id = :run_id AND expired_at IS NULL;

-- name: list_ended_runs
-- Lists the ended runs of a project, newest first.
SELECT id, finished_at, status,
    CASE WHEN pinned = 1
        OR id = (SELECT recent.id {from_recent_results} ORDER BY recent.finished_at DESC LIMIT 1) THEN 1 ELSE 0 END
FROM runs
WHERE project = :project AND id < :before_id AND status NOT IN ('queued', 'pending', 'running') AND expired_at IS NULL
ORDER BY id DESC LIMIT :limit;

-- name: measure_log
-- Adds up what the segments of a run take. The length of a payload is known without reading it.
SELECT COALESCE(SUM(LENGTH(payload)), 0) FROM segments WHERE run_id = :run_id;

-- name: expire_run
-- Lets an ended run expire: from now on, no reader finds it.
UPDATE runs SET expired_at = :at
WHERE id = :run_id AND status NOT IN ('queued', 'pending', 'running') AND pinned = 0 AND expired_at IS NULL;

-- name: list_expired_runs
-- Lists expired runs, oldest first.
SELECT id FROM runs WHERE expired_at IS NOT NULL ORDER BY id LIMIT :limit;

-- name: list_segment_sizes
-- Lists the sizes of a run's first segments.
SELECT last_seq, LENGTH(payload) FROM segments WHERE run_id = :run_id ORDER BY last_seq LIMIT :limit;

-- name: delete_first_segments
-- Deletes the segments of an expired run up to a seq.
DELETE FROM segments WHERE run_id = :run_id AND last_seq <= :last_seq;

-- name: delete_expired_run
-- Deletes an expired run, with everything that refers to it.
DELETE FROM runs WHERE id = :run_id AND expired_at IS NOT NULL;

-- name: insert_deleted_run
-- Records that a run was deleted.
INSERT INTO deleted_runs (deleted_at, run_id) VALUES (:at, :run_id);

-- name: list_deleted_runs
-- Lists deleted runs in the order of their deletion.
SELECT deleted_at, run_id FROM deleted_runs
WHERE (deleted_at, run_id) > (:deleted_at, :run_id) ORDER BY deleted_at, run_id LIMIT :limit;

-- name: forget_deleted_runs
-- Forgets the runs that were deleted before a time.
DELETE FROM deleted_runs WHERE deleted_at < :before;

-- name: select_subscriptions
-- Selects who receives news about a run that has ended, and what about.
SELECT project, status, notify, finished_at FROM runs WHERE id = :run_id AND notify IS NOT NULL;

-- name: select_previous_outcome
-- Selects how the run of a project before this one ended.
SELECT recent.status {from_recent_results} AND recent.id <> :run_id ORDER BY recent.finished_at DESC LIMIT 1;

-- name: insert_delivery
-- Adds a delivery, unless its message was added for the target before.
INSERT INTO deliveries (message_id, target, event, project, run_id, detail, occurred_at, traceparent)
VALUES (:message_id, :target, :event, :project, :run_id, :detail, :occurred_at, :traceparent)
ON CONFLICT (message_id, target) DO NOTHING
RETURNING id;

-- name: list_due_targets
-- Lists the targets that have a delivery to send.
SELECT DISTINCT target FROM deliveries WHERE status = 'pending' AND due_at <= :at;

-- name: claim_deliveries
-- Claims deliveries that are due. Of two processes that choose the same one, the second no longer finds it due.
UPDATE deliveries SET claim = :claim, due_at = :until
WHERE status = 'pending' AND due_at <= :at AND id IN (
    SELECT due.id FROM deliveries AS due
    WHERE due.target = :target AND due.status = 'pending' AND due.due_at <= :at ORDER BY due.due_at, due.id LIMIT :limit)
RETURNING {delivery_columns}, payload, traceparent;

-- name: release_deliveries
-- Ends the claims of an owner, or of all owners. A claim begins with the name of its owner.
UPDATE deliveries SET claim = NULL, due_at = 0
WHERE status = 'pending' AND claim IS NOT NULL
    AND (CAST(:owner AS TEXT) IS NULL OR SUBSTR(claim, 1, LENGTH(:owner) + 1) = :owner || ' ');

-- name: select_claimed_delivery
-- Selects a delivery that is still claimed.
SELECT {delivery_columns}, tried_since FROM deliveries WHERE id = :delivery_id AND claim = :claim AND status = 'pending';

-- name: record_attempt
-- Records what came of an attempt, and ends the claim.
UPDATE deliveries
SET status = :status, due_at = :due_at, claim = NULL, tried_since = :tried_since, finished_at = :finished_at,
    attempt_count = attempt_count + 1, attempts = :attempts, payload = :payload
WHERE id = :delivery_id AND claim = :claim AND status = 'pending';

-- name: select_delivery
-- Selects a delivery.
SELECT {delivery_columns}, payload FROM deliveries WHERE id = :delivery_id;

-- name: list_deliveries
-- Lists deliveries with smaller ids, newest first.
SELECT {delivery_columns} FROM deliveries
WHERE id < :before_id
    AND (CAST(:target AS TEXT) IS NULL OR target = :target)
    AND (CAST(:status AS TEXT) IS NULL OR status = :status)
    AND (CAST(:project AS TEXT) IS NULL OR project = :project)
ORDER BY id DESC LIMIT :limit;

-- name: list_deliveries_of_run
-- Like list_deliveries, for one run.
SELECT {delivery_columns} FROM deliveries
WHERE run_id = :run_id AND id < :before_id
    AND (CAST(:target AS TEXT) IS NULL OR target = :target)
    AND (CAST(:status AS TEXT) IS NULL OR status = :status)
    AND (CAST(:project AS TEXT) IS NULL OR project = :project)
ORDER BY id DESC LIMIT :limit;

-- name: redeliver
-- Makes a delivery due now, whatever became of it. A claim ends: its attempt no longer counts.
UPDATE deliveries SET status = 'pending', due_at = 0, claim = NULL, tried_since = NULL, finished_at = NULL
WHERE id = :delivery_id;

-- name: count_pending_deliveries
-- Counts the deliveries that are to be sent, by target.
SELECT target, COUNT(*) FROM deliveries WHERE status = 'pending' GROUP BY target;

-- name: list_stale_deliveries
-- Lists old deliveries of a target that nothing sends.
SELECT {delivery_columns} FROM deliveries
WHERE target = :target AND status = 'pending' AND due_at <= :at AND occurred_at < :before ORDER BY due_at LIMIT 500;

-- name: give_up_delivery
-- Gives up a delivery that nothing sends.
UPDATE deliveries SET status = 'given_up', finished_at = :at, attempts = :attempts
WHERE id = :delivery_id AND status = 'pending' AND due_at <= :at;

-- name: delete_deliveries
-- Deletes some deliveries that were finished before a time.
DELETE FROM deliveries WHERE id IN (
    SELECT old.id FROM deliveries AS old WHERE old.finished_at < :before ORDER BY old.finished_at LIMIT :limit);

-- fragment: firing_columns
firings.schedule, firings.project, firings.due_at, firings.fired_at, firings.outcome, firings.run_id, firings.reason,
firings.missed_count, firings.late_at, firings.late, firings.trigger, COALESCE(firings.run_status, runs.status),
COALESCE(firings.run_started_at, runs.started_at), COALESCE(firings.run_finished_at, runs.finished_at),
firings.run_id IS NOT NULL AND (runs.id IS NULL OR runs.expired_at IS NOT NULL)

-- name: list_timings
-- Lists the timings of the registered schedules.
SELECT id, timing FROM schedules;

-- name: register_schedule
-- Begins a schedule with a new timing.
INSERT INTO schedules (id, timing, begins_at) VALUES (:schedule, :timing, :at)
ON CONFLICT (id) DO UPDATE SET timing = excluded.timing, begins_at = excluded.begins_at, late_since = NULL;

-- name: begin_schedules_now
-- Corrects schedules that begin in the future, because a clock was wrong.
UPDATE schedules SET begins_at = :at WHERE begins_at > :at;

-- name: list_schedules
-- Lists the schedules, and up to when their due times have been handled.
SELECT id, begins_at, paused_at, paused_by, pause_reason,
    (SELECT max(due_at) FROM firings
    WHERE firings.schedule = schedules.id AND due_at <= :at AND firings.trigger = 'schedule')
FROM schedules;

-- name: select_schedule
-- Selects one of the rows of list_schedules.
SELECT id, begins_at, paused_at, paused_by, pause_reason,
    (SELECT max(due_at) FROM firings
    WHERE firings.schedule = schedules.id AND due_at <= :at AND firings.trigger = 'schedule')
FROM schedules WHERE id = :schedule;

-- name: pause_schedule
-- Pauses a schedule, unless it is paused.
UPDATE schedules SET paused_at = :at, paused_by = :requested_by, pause_reason = :reason
WHERE id = :schedule AND paused_at IS NULL;

-- name: resume_schedule
-- Resumes a schedule: a paused one begins afresh.
UPDATE schedules SET begins_at = :at, late_since = NULL, paused_at = NULL, paused_by = NULL, pause_reason = NULL
WHERE id = :schedule AND paused_at IS NOT NULL;

-- name: insert_firing
-- Records what became of a due time, unless that is known or the schedule is paused, or a manual run.
INSERT INTO firings (schedule, project, due_at, fired_at, outcome, run_id, reason, missed_count, late_at, trigger)
SELECT :schedule, :project, :due_at, :fired_at, :outcome, :run_id, :reason, :missed_count, :late_at, :trigger
WHERE :trigger = 'manual' OR NOT EXISTS (SELECT 1 FROM schedules WHERE id = :schedule AND paused_at IS NOT NULL)
ON CONFLICT (schedule, due_at) DO NOTHING;

-- name: delete_old_firings
-- Deletes the oldest firings of a schedule, beyond those that are kept. Manual ones are counted separately.
DELETE FROM firings WHERE schedule = :schedule AND trigger = :trigger AND due_at <= (
    SELECT due_at FROM firings
    WHERE schedule = :schedule AND trigger = :trigger
    ORDER BY due_at DESC LIMIT 1 OFFSET :kept
);

-- name: delete_firing_of_run
-- Deletes the firing that started a run, unless it belongs to another owner. The due time can be handled again.
DELETE FROM firings
WHERE outcome = 'started' AND run_id = (
    SELECT runs.id FROM runs WHERE runs.id = :run_id AND COALESCE(runs.owner, :owner) = :owner);

-- name: record_end_in_firings
-- Records how a run has ended in its firing, and its completion in those of the runs that it repeats, too.
WITH RECURSIVE repeated (id) AS (
    SELECT CAST(:run_id AS BIGINT)
    UNION SELECT runs.rerun_of FROM repeated JOIN runs ON runs.id = repeated.id WHERE runs.rerun_of IS NOT NULL
)
UPDATE firings SET
    run_status = CASE WHEN firings.run_id = ended.id THEN ended.status ELSE run_status END,
    run_started_at = CASE WHEN firings.run_id = ended.id THEN ended.started_at ELSE run_started_at END,
    run_finished_at = CASE WHEN firings.run_id = ended.id THEN ended.finished_at ELSE run_finished_at END,
    completed_at = COALESCE(completed_at, CASE WHEN ended.status = 'completed' THEN ended.finished_at END)
FROM runs AS ended
WHERE ended.id = :run_id AND ended.status NOT IN ('queued', 'pending', 'running')
    AND firings.run_id IN (SELECT repeated.id FROM repeated)
RETURNING schedule;

-- name: end_lateness
-- Ends the lateness of a schedule, if a run has completed; a null one means in any case.
UPDATE schedules SET late_since = NULL
WHERE id = :schedule AND late_since IS NOT NULL AND (CAST(:run_id AS BIGINT) IS NULL
    OR EXISTS (SELECT 1 FROM runs WHERE runs.id = :run_id AND runs.status = 'completed'));

-- name: list_firings
-- Lists firings, newest first.
SELECT {firing_columns} FROM firings LEFT JOIN runs ON runs.id = firings.run_id
WHERE due_at > :after ORDER BY due_at DESC, schedule LIMIT :limit;

-- name: list_firings_of_schedule
-- Lists the firings of a schedule, newest first.
SELECT {firing_columns} FROM firings LEFT JOIN runs ON runs.id = firings.run_id
WHERE schedule = :schedule AND due_at > :after ORDER BY due_at DESC LIMIT :limit;

-- name: list_last_firings
-- Lists the latest firing of each schedule.
SELECT {firing_columns} FROM schedules
JOIN firings ON firings.schedule = schedules.id
    AND due_at = (SELECT max(due_at) FROM firings WHERE firings.schedule = schedules.id)
LEFT JOIN runs ON runs.id = firings.run_id;

-- name: list_unsettled_firings
-- Lists the firings whose time has come to be late, with whether they are. The work of a skipped one is done by the run
-- of an earlier firing, which was still queued.
SELECT {firing_columns}, COALESCE(CASE WHEN firings.outcome = 'skipped' THEN (
    SELECT waiting.completed_at FROM firings AS waiting
    WHERE waiting.schedule = firings.schedule AND waiting.due_at < firings.due_at AND waiting.run_id IS NOT NULL
        AND waiting.trigger = 'schedule'
    ORDER BY waiting.due_at DESC LIMIT 1) ELSE firings.completed_at END > firings.late_at, TRUE)
FROM firings LEFT JOIN runs ON runs.id = firings.run_id
WHERE late_at <= :at AND late_at IS NOT NULL AND late IS NULL;

-- name: settle_firing
-- Records whether a firing is late.
UPDATE firings SET late = :late WHERE schedule = :schedule AND due_at = :due_at AND late IS NULL;

-- name: begin_lateness
-- Begins the lateness of a schedule: it is to be reported now. If a run for the due time, or for a later one, has
-- completed meanwhile, the lateness ends with the report.
UPDATE schedules SET late_since = CASE WHEN NOT EXISTS (
    SELECT 1 FROM firings
    WHERE firings.schedule = :schedule AND firings.due_at >= :due_at AND firings.completed_at IS NOT NULL
) THEN CAST(:late_at AS BIGINT) END
WHERE id = :schedule AND late_since IS NULL;
