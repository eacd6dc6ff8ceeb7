"""The life of an import: begun, kept alive, and ended once. The only writer of `import_run` and `import_finding`.

One import per school at a time: a run holds a lease that it renews; a run whose process died is taken over when its
lease has passed. A school's first import reserves the school's id, and makes the school only when it succeeds.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from authz.session import Dialect, WriteSession
from schema.errors import FieldgateError
from schema.ids import MakeKey, new_record_id, new_school_id, random_key
from server.database import Database
from server.sync.changes import Changes, compare
from server.sync.reading import Reading
from server.sync.store import apply, staged
from server.sync.stored import load_stored

LEASE_SECONDS = 90
RENEW_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ImportRun:
    """An import that was begun. `is_new` says that its school does not exist yet."""

    id: str
    school_id: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a completed import did."""

    run_id: str
    school_id: str
    counts: dict[str, dict[str, int]]
    findings: dict[str, int]
    declined: tuple[str, ...]

    @property
    def changed(self) -> int:
        """How many rows were inserted, updated or deleted."""
        return sum(count[verb] for count in self.counts.values() for verb in ("inserted", "updated", "deleted"))


async def begin(database: Database, source: str, school_source_id: str, key: MakeKey = random_key) -> ImportRun:
    """Begin an import of the school that the MIS API calls `school_source_id`, or refuse: SYNC_RUNNING."""
    name = f"{source}:{school_source_id}"
    async with database.write() as session:
        if not session.dialect.is_sqlite:  # where writers do not queue anyway, two first imports must
            await session.fetch("SELECT pg_advisory_xact_lock(hashtext(?))", f"fieldgate import {name}")
        found = await session.fetch("SELECT id FROM school WHERE source_id = ?", school_source_id)
        # A first import that failed made no school, but its id is used again: it names the same school.
        reserved = found or await session.fetch(
            "SELECT school_id FROM import_run WHERE source = ? ORDER BY started_at DESC LIMIT 1", name
        )
        school_id = reserved[0][0] if reserved else new_school_id(key)
        await _take_lease(session, school_id)
        run = ImportRun(new_record_id("run", school_id), school_id, is_new=not found)
        now = session.dialect.now
        await session.execute(
            "INSERT INTO import_run (school_id, id, source, state, started_at, heartbeat_at) "
            f"VALUES (?, ?, ?, 'running', {now}, {now})",
            school_id,
            run.id,
            name,
        )
    return run


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
    changes = await asyncio.to_thread(compare, reading, stored, run.school_id, key)
    if not accept_empty:
        _refuse_empty(changes)
    tables = await asyncio.to_thread(staged, changes)
    result = ImportResult(
        run.id, run.school_id, changes.counts(), dict(changes.findings.by_code), tuple(sorted(changes.kept))
    )
    async with database.write_staged(tables) as session:
        await _fence(session, run)
        now = str((await session.fetch(f"SELECT {session.dialect.instant_text(session.dialect.now)}"))[0][0])
        await apply(session, changes, run.id, now)
        await session.execute(
            f"UPDATE import_run SET state = 'completed', finished_at = {session.dialect.instant()}, counts = ? "
            "WHERE school_id = ? AND id = ?",
            now,
            json.dumps(result.counts, separators=(",", ":")),
            run.school_id,
            run.id,
        )
    return result


def _refuse_empty(changes: Changes) -> None:
    """An API of the wrong region answers for a school, but with nobody in it."""
    students = changes.rows["Student"]
    if students.gone and not (students.inserted or students.updated or students.unchanged):
        raise FieldgateError(
            "MIS_ANSWER_INVALID",
            f"The MIS API gave no pupils where {len(students.gone)} are stored; --accept-empty takes that for true.",
        )
