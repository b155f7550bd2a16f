-- Reads what runs and segments say about logs, and corrects it.

-- name: list_logs
-- Lists what each run's row says about its log. The log of an expired run is being deleted.
SELECT id, last_seq, debug_count, info_count, warning_count, error_count, first_error_seq FROM runs
WHERE expired_at IS NULL ORDER BY id;

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
