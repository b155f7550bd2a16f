-- The values of parameters that the row of a queued run has masked, as a JSON object. Deleted when the run ends.
--
-- No foreign key: with one, SQLite would not clear the pages of the table when all of its rows are deleted.

CREATE TABLE unmasked_params (
    run_id BIGINT PRIMARY KEY,
    params TEXT NOT NULL
);
