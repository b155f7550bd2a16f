-- The span of the caller that started a run, as W3C Trace Context.
ALTER TABLE runs ADD COLUMN traceparent TEXT;
