-- What came of a cancel. `cancel_position` is a JSON array of strings.

ALTER TABLE runs ADD COLUMN cancel_grace_seconds DOUBLE PRECISION;
ALTER TABLE runs ADD COLUMN cancel_signalled_at BIGINT;
ALTER TABLE runs ADD COLUMN cancel_position TEXT;
ALTER TABLE runs ADD COLUMN cancel_effect TEXT CHECK (cancel_effect IN ('stopped', 'ignored', 'killed'));
ALTER TABLE runs ADD COLUMN cancel_settled_at BIGINT;
