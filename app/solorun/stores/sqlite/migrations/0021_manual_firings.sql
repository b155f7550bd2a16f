-- What led to a firing: a due time (`schedule`), or a person (`manual`), whose `due_at` is when they started the run.
ALTER TABLE firings ADD COLUMN trigger TEXT NOT NULL DEFAULT 'schedule' CHECK (trigger IN ('schedule', 'manual'));
