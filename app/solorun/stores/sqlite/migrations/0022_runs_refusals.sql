-- The workers that refused a run, as a JSON array. Null if none has.
ALTER TABLE runs ADD COLUMN refusals TEXT;
