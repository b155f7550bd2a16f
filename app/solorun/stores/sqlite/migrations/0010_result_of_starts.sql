-- What the first start with an idempotency key has led to, so that a repetition is answered in the same way.

ALTER TABLE idempotency_keys ADD COLUMN result TEXT NOT NULL DEFAULT 'started';
