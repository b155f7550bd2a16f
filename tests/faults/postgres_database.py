"""The same evidence as in `database.py`, from PostgreSQL: triggers record every transition of a run and every hold."""

import json
from pathlib import Path

import psycopg

from tests.faults.database import Database, HoldMove, Move, Row, time_of

# A start, a promotion and an end take turns, so that their numbers are in the order of their commits. A run that begins
# to work does not.
_TRIGGERS = """
CREATE TABLE audit_transitions (
    number BIGSERIAL PRIMARY KEY, run_id BIGINT, project TEXT, before TEXT, after TEXT
);
CREATE TABLE audit_holds (number BIGINT, run_id BIGINT, resource TEXT, slot BIGINT, step TEXT, is_taken BOOLEAN);
CREATE FUNCTION audit_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_transitions (run_id, project, after) VALUES (NEW.id, NEW.project, NEW.status);
    RETURN NULL;
END $$;
CREATE FUNCTION audit_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_transitions (run_id, project, before, after)
    VALUES (NEW.id, NEW.project, OLD.status, NEW.status);
    RETURN NULL;
END $$;
CREATE FUNCTION audit_take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_holds VALUES (
        nextval('audit_transitions_number_seq'), NEW.run_id, NEW.resource, NEW.slot, NEW.step, TRUE);
    RETURN NULL;
END $$;
CREATE FUNCTION audit_release() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_holds VALUES (
        nextval('audit_transitions_number_seq'), OLD.run_id, OLD.resource, OLD.slot, OLD.step, FALSE);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_insert AFTER INSERT ON runs FOR EACH ROW EXECUTE FUNCTION audit_insert();
CREATE TRIGGER audit_update AFTER UPDATE ON runs FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION audit_update();
CREATE TRIGGER audit_take AFTER INSERT ON holds FOR EACH ROW EXECUTE FUNCTION audit_take();
CREATE TRIGGER audit_release AFTER DELETE ON holds FOR EACH ROW EXECUTE FUNCTION audit_release();
"""


def install_postgres_triggers(url: str) -> None:
    """From now on the migrated database records every transition."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TRIGGERS)


def read_postgres_database(url: str) -> Database:
    """The runs, their moves and their holds, without logs."""
    with psycopg.connect(url, autocommit=True) as connection:
        columns = "id, project, status, finished_at, last_seq, resources, replaces"
        runs = {
            run_id: Row(
                *(run_id, project, status, None, None, time_of(finished_at), last_seq, (), json.loads(resources)),
                replaces,
            )
            for run_id, project, status, finished_at, last_seq, resources, replaces in connection.execute(
                f"SELECT {columns} FROM runs ORDER BY id"
            ).fetchall()
        }
        moves = (
            "SELECT run_id, project, before, after, number FROM audit_transitions WHERE after <> 'running'"
            " ORDER BY number"
        )
        holds = "SELECT number, run_id, resource, slot, step, is_taken FROM audit_holds ORDER BY number"
        return Database(
            runs,
            {},
            [Move(*move) for move in connection.execute(moves).fetchall()],
            "ok",
            [HoldMove(*hold) for hold in connection.execute(holds).fetchall()],
        )


def expire_lease(url: str, data_dir: Path) -> None:
    """What 30 s do to the lease of the service that was killed in this data directory."""
    owner = json.loads((data_dir / "solorun.owner.json").read_text())["owner"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE owners SET lease_until = clock_timestamp() WHERE owner = %s", [owner])
