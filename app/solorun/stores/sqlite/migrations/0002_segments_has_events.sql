-- Marks the segments with events (a step begins, progress, a group), so that a search for events and a replay need not
-- scan the others. 1 may mean that it is unknown, as for all segments written before this migration.

ALTER TABLE segments ADD COLUMN has_events INTEGER NOT NULL DEFAULT 1 CHECK (has_events IN (0, 1));

-- The column is stored after the payload: without an index, SQLite would read through every payload to reach it.
CREATE INDEX segments_with_events ON segments (run_id, last_seq) WHERE has_events = 1;
