-- Identifies the data directory that a process has locked. A successor with the same directory knows that it is dead.

ALTER TABLE owners ADD COLUMN directory TEXT;
