-- Which segments tell events (a step begins, progress, a group), so that neither a search for events nor a replay goes
-- through the bytes of all others. 1 may also mean that nobody has looked: so it is of every segment from before.

ALTER TABLE segments ADD COLUMN has_events INTEGER NOT NULL DEFAULT 1 CHECK (has_events IN (0, 1));

-- The column lies behind the payload: without an index every payload would be walked through to reach it.
CREATE INDEX segments_with_events ON segments (run_id, last_seq) WHERE has_events = 1;
