"""Copies all tables, and commits only if the copy is equal to the original and has no problems."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import msgspec

from solorun.errors import DatabaseUnusable
from solorun.store import Finding
from solorun.stores.postgres import ParamCipher
from solorun.stores.transfer.source import Source, Table, open_source
from solorun.stores.transfer.target import Target, open_target

REPORT_ROWS: Final = 1_000
_DIGEST_BYTES: Final = 16

_encode: Final = msgspec.msgpack.Encoder().encode

Report = Callable[[str, int, int | None], None]
"""Called with an activity, how many rows are done, and how many there are, if that is known."""


class TransferFailed(DatabaseUnusable):
    """The doctor finds problems in the copy."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = findings
        super().__init__("; ".join(finding.message for finding in findings))


def list_abandoned_runs(database: Path) -> list[int]:
    """The ids of the runs that were active when the last service was killed. No service has ended them yet.

    They have no lease in the copy, so the first service that uses it ends them. The processes that they may have left
    on this machine must be killed before. Raises DatabaseUnusable.
    """
    with open_source(database) as source:
        return source.list_abandoned_runs()


def transfer(
    database: Path, url: str, cipher: ParamCipher, *, dry_run: bool = False, report: Report = lambda *_: None
) -> list[Table]:
    """Copy the SQLite database to the empty database at `url`, and return the tables. The original is only read.

    If this is interrupted at any moment, the target is as empty as it was, or complete. With `dry_run`, check what can
    be checked before, and copy nothing. Raises DatabaseUnusable, TransferFailed, StoreUnavailable.
    """
    with open_source(database) as source, open_target(url) as target:
        tables = source.list_tables()
        target.prepare(tables)
        if dry_run:
            return tables
        originals = {table.name: _copy(source, target, table, cipher, report) for table in tables}
        target.continue_ids(tables, source.list_last_ids())
        for table in tables:
            if _digest(target, table, report) != originals[table.name]:
                raise DatabaseUnusable(f"The copy of the table {table.name} differs. Nothing was migrated.")
        report("Checking the copy", 0, None)
        if findings := target.check(tables, cipher.decrypt):
            raise TransferFailed(findings)
        target.commit()
        return tables


class _Digest:
    """The number of rows, and the sum of their hashes: equal for equal rows in any order, as databases sort text
    differently.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, row: tuple[Any, ...]) -> None:
        self.count += 1
        self._sum += int.from_bytes(blake2b(_encode(row), digest_size=_DIGEST_BYTES).digest())

    def take(
        self, rows: Iterable[tuple[Any, ...]], table: Table, activity: str, report: Report
    ) -> Generator[tuple[Any, ...]]:
        """The same rows, which are counted as they are read."""
        for row in rows:
            self.add(row)
            if self.count % REPORT_ROWS == 0:
                report(f"{activity} {table.name}", self.count, table.row_count)
            yield row

    @property
    def value(self) -> tuple[int, int]:
        return self.count, self._sum % (1 << 8 * _DIGEST_BYTES)


def _copy(source: Source, target: Target, table: Table, cipher: ParamCipher, report: Report) -> tuple[int, int]:
    digest = _Digest()
    with source.open_rows(table) as originals:
        rows = (_encrypt(table, _storable(original), cipher) for original in originals)
        with closing(digest.take(rows, table, "Copying", report)) as copied:
            target.write(table, copied)
    return digest.value


def _encrypt(table: Table, row: tuple[Any, ...], cipher: ParamCipher) -> tuple[Any, ...]:
    """The row as PostgreSQL stores it: the secret parameters of queued runs are encrypted there."""
    if table.name != "unmasked_params":
        return row
    values = dict(zip(table.columns, row, strict=True))
    return tuple((values | {"params": cipher.encrypt(values["run_id"], values["params"])}).values())


def _digest(target: Target, table: Table, report: Report) -> tuple[int, int]:
    digest = _Digest()
    for _ in digest.take(target.read(table), table, "Comparing", report):
        pass
    return digest.value


def _storable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """PostgreSQL's text cannot contain NUL. Its store replaces it in the same way."""
    return tuple(value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in row)
