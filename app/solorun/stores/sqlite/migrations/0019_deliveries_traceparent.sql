-- The span of the run that a delivery is about, as W3C Trace Context. Null without traces.
ALTER TABLE deliveries ADD COLUMN traceparent TEXT;
