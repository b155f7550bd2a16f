"""The same evidence as in `database.py`, from PostgreSQL: triggers record every transition of a run and every hold."""

import json
from collections import defaultdict
from pathlib import Path

import psycopg
from zstandard import ZstdDecompressor

from tests.faults.database import Database, HoldMove, Move, read_rows

# A start, a promotion and an end take turns, so that their numbers are in the order of their commits. A run that begins
# to work does not.
_TRIGGERS = """
CREATE TABLE audit_transitions (
    number BIGSERIAL PRIMARY KEY, run_id BIGINT, project TEXT, before TEXT, after TEXT,
    is_pinned BOOLEAN NOT NULL DEFAULT FALSE
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
CREATE FUNCTION audit_expire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_transitions (run_id, project, before, after, is_pinned)
    VALUES (NEW.id, NEW.project, OLD.status, 'expired', OLD.pinned <> 0);
    RETURN NULL;
END $$;
CREATE FUNCTION audit_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_transitions (run_id, project, before, is_pinned)
    VALUES (OLD.id, OLD.project, CASE WHEN OLD.expired_at IS NULL THEN OLD.status ELSE 'expired' END, OLD.pinned <> 0);
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
CREATE TABLE audit_thefts (run_id BIGINT, before TEXT, after TEXT);
CREATE FUNCTION audit_theft() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_thefts VALUES (NEW.id, OLD.owner, NEW.owner);
    RETURN NULL;
END $$;
CREATE TABLE audit_settlements (run_id BIGINT, seconds DOUBLE PRECISION);
CREATE FUNCTION audit_settlement() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO audit_settlements
    SELECT NEW.id, EXTRACT(EPOCH FROM clock_timestamp() - lease_until)
    FROM owners WHERE owner = OLD.owner AND lease_until < clock_timestamp();
    RETURN NULL;
END $$;
CREATE TRIGGER audit_theft AFTER UPDATE OF owner ON runs FOR EACH ROW
    WHEN (OLD.owner <> NEW.owner) EXECUTE FUNCTION audit_theft();
CREATE TRIGGER audit_settlement AFTER UPDATE OF status ON runs FOR EACH ROW
    WHEN (NEW.status = 'interrupted') EXECUTE FUNCTION audit_settlement();
CREATE TRIGGER audit_insert AFTER INSERT ON runs FOR EACH ROW EXECUTE FUNCTION audit_insert();
CREATE TRIGGER audit_update AFTER UPDATE ON runs FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.status NOT IN ('queued', 'pending', 'running')
        AND (OLD.last_seq, OLD.error_message, OLD.finished_at) IS DISTINCT FROM
            (NEW.last_seq, NEW.error_message, NEW.finished_at))
    EXECUTE FUNCTION audit_update();
-- An ended run may only be pinned, unpinned and expire, which hides it. An expired run is deleted.
CREATE TRIGGER audit_expire AFTER UPDATE OF expired_at ON runs FOR EACH ROW
    WHEN (NEW.expired_at IS NOT NULL) EXECUTE FUNCTION audit_expire();
CREATE TRIGGER audit_delete AFTER DELETE ON runs FOR EACH ROW EXECUTE FUNCTION audit_delete();
CREATE TRIGGER audit_take AFTER INSERT ON holds FOR EACH ROW EXECUTE FUNCTION audit_take();
CREATE TRIGGER audit_release AFTER DELETE ON holds FOR EACH ROW EXECUTE FUNCTION audit_release();
"""

_SEGMENTS = "SELECT run_id, first_seq, payload_bytes, payload FROM segments ORDER BY run_id, last_seq"
_MOVES = """
SELECT run_id, project, before, after, number, is_pinned FROM audit_transitions
WHERE after IS DISTINCT FROM 'running' ORDER BY number"""
_HOLDS = "SELECT number, run_id, resource, slot, step, is_taken FROM audit_holds ORDER BY number"


def install_postgres_triggers(url: str) -> None:
    """From now on the migrated database records every transition."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_TRIGGERS)


def read_postgres_database(url: str) -> Database:
    """The runs, their logs, their moves, their holds and their deliveries."""
    with psycopg.connect(url, autocommit=True) as connection:
        logs: dict[int, list[tuple[int, list[bytes]]]] = defaultdict(list)
        decompress = ZstdDecompressor().decompress
        for run_id, first_seq, size, payload in connection.execute(_SEGMENTS).fetchall():
            logs[run_id].append((first_seq, decompress(payload, max_output_size=size).split(b"\n")[:-1]))
        deliveries: dict[int, list[str]] = defaultdict(list)
        for run_id, event in connection.execute("SELECT run_id, event FROM deliveries ORDER BY id").fetchall():
            deliveries[run_id].append(event)
        return Database(
            read_rows(lambda sql: connection.execute(sql).fetchall()),
            logs,
            [Move(*move) for move in connection.execute(_MOVES).fetchall()],
            "ok",
            [HoldMove(*hold) for hold in connection.execute(_HOLDS).fetchall()],
            deliveries,
        )


def read_settlements(url: str) -> list[tuple[int, float]]:
    """The runs whose owner was lost, each with the seconds from the end of its lease to its own end."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute("SELECT run_id, seconds FROM audit_settlements ORDER BY run_id").fetchall()


def find_stolen_runs(url: str) -> list[str]:
    """A run changes its owner only through None: it is released, and then claimed."""
    with psycopg.connect(url, autocommit=True) as connection:
        return [
            f"run {run_id} went from {before} to {after}"
            for run_id, before, after in connection.execute("SELECT * FROM audit_thefts").fetchall()
        ]


def expire_lease(url: str, data_dir: Path) -> None:
    """What 30 s do to the lease of the service that was killed in this data directory."""
    owner = json.loads((data_dir / "solorun.owner.json").read_text())["owner"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE owners SET lease_until = clock_timestamp() WHERE owner = %s", [owner])
