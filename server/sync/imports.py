"""The life of an import: begun, kept alive, and ended once. The only writer of `import_run` and `import_finding`.

One import per school at a time: a run holds a lease that it renews; a run whose process died is taken over when its
lease has passed. A school's first import reserves the school's id, and makes the school only when it succeeds.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from authz import accounts, audit, capabilities
from authz.audit import Actor
from authz.record_updates import close_delivered
from authz.session import Dialect, WriteSession
from schema.errors import FieldgateError
from schema.ids import MakeKey, new_record_id, new_school_id, random_key
from server.database import Database
from server.sync import statistics
from server.sync.changes import Changes, compare
from server.sync.reading import Reading
from server.sync.store import apply, staged
from server.sync.stored import load_stored

LEASE_SECONDS = 90
RENEW_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which school to import: by our id, by its id at the MIS API, or by both, which ties the two together."""

    school_id: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class ImportRun:
    """An import that was begun, and by whom. `is_new` says that its school does not exist yet."""

    id: str
    school_id: str
    source_id: str
    by: Actor
    is_new: bool


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a completed import did."""

    run_id: str
    school_id: str
    source_id: str
    counts: dict[str, dict[str, int]]
    findings: dict[str, int]
    declined: tuple[str, ...]

    @property
    def changed(self) -> int:
        """How many rows were inserted, updated or deleted."""
        return sum(count[verb] for count in self.counts.values() for verb in ("inserted", "updated", "deleted"))


async def begin(database: Database, source: str, wanted: Wanted, *, by: Actor, key: MakeKey = random_key) -> ImportRun:
    """Begin an import, or refuse: another of the same school is running, or the school is not what was named."""
    async with database.write() as session:
        if not session.dialect.is_sqlite:  # where writers do not queue anyway, two first imports must
            await session.fetch("SELECT pg_advisory_xact_lock(hashtext('fieldgate import'))")
        found = await _find_school(session, wanted)
        school_id, source_id = found or await _reserve(session, source, wanted, key)
        await _take_lease(session, school_id)
        run = ImportRun(new_record_id("run", school_id), school_id, source_id, by, is_new=found is None)
        now = session.dialect.now
        await session.execute(
            "INSERT INTO import_run (school_id, id, source, state, started_at, heartbeat_at) "
            f"VALUES (?, ?, ?, 'running', {now}, {now})",
            school_id,
            run.id,
            f"{source}:{source_id}",
        )
    return run


async def _find_school(session: WriteSession, wanted: Wanted) -> tuple[str, str] | None:
    """Our id and the MIS API's id of the school; None for a school that only the MIS API knows."""
    same_source = await session.fetch("SELECT id FROM school WHERE source_id = ?", wanted.source_id)
    if wanted.school_id is None:
        return (same_source[0][0], str(wanted.source_id)) if same_source else None
    rows = await session.fetch("SELECT source_id FROM school WHERE id = ? AND deleted_at IS NULL", wanted.school_id)
    if not rows:
        raise FieldgateError("SCHOOL_UNKNOWN", "There is no school with this id.")
    source_id = rows[0][0] or wanted.source_id
    if source_id is None:
        raise FieldgateError("SCHOOL_SOURCE_INVALID", "The school is not tied to a school at the MIS API yet.")
    if wanted.source_id not in (None, source_id) or any(row[0] != wanted.school_id for row in same_source):
        raise FieldgateError("SCHOOL_SOURCE_INVALID", "The two ids are of two different schools.")
    return wanted.school_id, source_id


async def _reserve(session: WriteSession, source: str, wanted: Wanted, key: MakeKey) -> tuple[str, str]:
    """An id for a school that does not exist yet: that of a first import that failed, or a new one."""
    if wanted.source_id is None:
        raise FieldgateError("SCHOOL_SOURCE_INVALID", "No school is named.")
    reserved = await session.fetch(
        "SELECT school_id FROM import_run WHERE source = ? ORDER BY started_at DESC LIMIT 1",
        f"{source}:{wanted.source_id}",
    )
    return (reserved[0][0] if reserved else new_school_id(key)), wanted.source_id


async def _take_lease(session: WriteSession, school_id: str) -> None:
    old = _seconds_ago(session.dialect, LEASE_SECONDS)
    await session.execute(
        f"UPDATE import_run SET state = 'abandoned', finished_at = {session.dialect.now}, "
        "error_message = 'The process of this import stopped answering.' "
        f"WHERE school_id = ? AND state = 'running' AND heartbeat_at < {old}",
        school_id,
    )
    if await session.fetch("SELECT 1 FROM import_run WHERE school_id = ? AND state = 'running'", school_id):
        raise FieldgateError("SYNC_RUNNING", "Another import of this school is running.")


def _seconds_ago(dialect: Dialect, seconds: int) -> str:
    if dialect.is_sqlite:
        return f"(strftime('%Y-%m-%dT%H:%M:%f', 'now', '-{seconds} seconds') || '000Z')"
    return f"(clock_timestamp() - interval '{seconds} seconds')"


@contextlib.asynccontextmanager
async def kept_alive(database: Database, run: ImportRun, every: float = RENEW_SECONDS) -> AsyncIterator[None]:
    """Renew the run's lease while the block works; when the block fails, end the run as failed."""
    over = asyncio.Event()
    renewing = asyncio.create_task(_renew(database, run, every, over))
    try:
        yield
    except BaseException as error:  # a cancelled import has failed too, and its lease must not outlive it
        await asyncio.shield(_fail(database, run, error))
        raise
    finally:
        over.set()
        await renewing


async def _renew(database: Database, run: ImportRun, every: float, over: asyncio.Event) -> None:
    while not over.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), every)
            return
        # A lease that cannot be renewed now (a busy database) is renewed the next time, or lost: the end will tell.
        with contextlib.suppress(FieldgateError):
            async with database.write() as session:
                await _fence(session, run)


async def _fence(session: WriteSession, run: ImportRun) -> None:
    """INVARIANT: only the run that still holds its school's lease writes."""
    renewed = await session.execute(
        f"UPDATE import_run SET heartbeat_at = {session.dialect.now} "
        "WHERE school_id = ? AND id = ? AND state = 'running'",
        run.school_id,
        run.id,
    )
    if renewed != 1:
        raise FieldgateError("SYNC_RUNNING", "Another import of this school took over; nothing was changed.")


async def _fail(database: Database, run: ImportRun, error: BaseException) -> None:
    refusal = error if isinstance(error, FieldgateError) else None
    code = refusal.code if refusal else "INTERNAL_ERROR"
    message = refusal.message if refusal else f"The import ended with {type(error).__name__}."
    # When not even this can be written, the lease ends the run.
    with contextlib.suppress(FieldgateError):
        async with database.write() as session:
            await session.execute(
                f"UPDATE import_run SET state = 'failed', finished_at = {session.dialect.now}, "
                "error_code = ?, error_message = ? WHERE school_id = ? AND id = ? AND state = 'running'",
                code,
                message,
                run.school_id,
                run.id,
            )


async def complete(
    database: Database, run: ImportRun, reading: Reading, *, key: MakeKey = random_key, accept_empty: bool = False
) -> ImportResult:
    """Write everything that differs, in one short transaction, and end the run in it."""
    async with database.read() as snapshot:
        stored = await load_stored(snapshot, run.school_id)
    changes = await asyncio.to_thread(compare, reading, stored, run.school_id, key, accept_empty=accept_empty)
    if not accept_empty:
        _refuse_empty(changes)
    tables = await asyncio.to_thread(staged, changes)
    result = ImportResult(
        run.id,
        run.school_id,
        run.source_id,
        changes.counts(),
        dict(changes.findings.by_code),
        tuple(sorted(changes.kept)),
    )
    async with database.write_staged(tables) as session:
        await _fence(session, run)
        await _write(session, run, changes, result)
    await statistics.refresh(database, result.counts)
    return result


async def _write(session: WriteSession, run: ImportRun, changes: Changes, result: ImportResult) -> None:
    # What the school decides about access takes turns with this: a version of its defaults must not change here, and
    # no override may be set between the moment that is read and the rows that are stamped with it.
    await session.fetch(f"SELECT 1 FROM school WHERE id = ?{session.dialect.row_lock}", run.school_id)
    now = str((await session.fetch(f"SELECT {session.dialect.instant_text(session.dialect.now)}"))[0][0])
    await apply(session, changes, run.id, now)
    await capabilities.observe(session, run.school_id, changes.seen, now)
    lost = await accounts.suspend_lost(session, run.school_id) if result.changed else {}
    await close_delivered(session, run.school_id)
    if run.is_new:
        details = {"source": run.source_id}
        await audit.record(session, "school_added", chain=run.school_id, by=run.by, details=details)
    if run.is_new or result.changed:
        await accounts.settle(session, run.school_id, lost)
    await session.execute(
        f"UPDATE import_run SET state = 'completed', finished_at = {session.dialect.instant()}, counts = ? "
        "WHERE school_id = ? AND id = ?",
        now,
        json.dumps(result.counts, separators=(",", ":")),
        run.school_id,
        run.id,
    )


def _refuse_empty(changes: Changes) -> None:
    """An API of the wrong region answers for a school, but with nobody in it."""
    students = changes.rows["Student"]
    if students.gone and not (students.inserted or students.updated or students.unchanged):
        raise FieldgateError(
            "MIS_ANSWER_INVALID",
            f"The MIS API gave no pupils where {len(students.gone)} are stored; --accept-empty takes that for true.",
        )
