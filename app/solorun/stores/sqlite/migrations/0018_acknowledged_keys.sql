-- Whether a repeated start was answered with the run of the key. Its service no longer gives the run up.

ALTER TABLE idempotency_keys ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;
UPDATE idempotency_keys SET acknowledged = 1 WHERE result = 'joined';
