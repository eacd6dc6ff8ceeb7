"""Runs the queue of sign-ins in the background of a server, and writes what its processes remember of failed ones.

A request that a run does not finish stays in the queue. Whatever goes wrong is logged, waited out and tried again.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from authz import accounts
from authz.door import Door
from schema.errors import FieldgateError
from server.database import Database
from server.logs import Log, told

POLL_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
STOP_SECONDS = 2.0
DAYS_BACK = 14
"""How long a server may have been down and still see that a student began or left meanwhile."""


class Allocator:
    """One process's runs; several processes take turns by the database."""

    def __init__(self, database: Database, door: Door, log: Log, poll_seconds: float = POLL_SECONDS) -> None:
        self.database = database
        self.door = door
        self.log = log
        self.poll_seconds = poll_seconds
        self.day = ""
        self.put_off: dict[str, tuple[float, float]] = {}
        """Schools whose run failed: until when they are passed over, and for how long that is."""

    async def live(self) -> None:
        """Turn after turn, until it is cancelled."""
        wait = self.poll_seconds
        while True:
            try:
                await self.turn()
                wait = self.poll_seconds
            except Exception as error:  # noqa: BLE001 - whatever it is, the next turn may do better
                self._tell(error)
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            await asyncio.sleep(wait)

    async def turn(self) -> None:
        """Run what is queued."""
        async with self.database.read() as session:
            # The database's day, by which the links are decided: this machine's clock may be another.
            [[today]] = await session.fetch(f"SELECT {session.dialect.day_text(session.dialect.today)}")
        if today != self.day:
            await accounts.request_by_date(self.database, DAYS_BACK)
            self.day = today
        async with self.database.read() as session:
            waiting = await accounts.queued(session)
        for school_id in waiting:
            until, seconds = self.put_off.get(school_id, (0.0, self.poll_seconds))
            if time.monotonic() < until:
                continue
            try:
                await accounts.run_school(self.database, school_id)
            except FieldgateError:
                raise  # about the database, not about this school
            except Exception as error:  # noqa: BLE001 - what one school's data does must keep no other waiting
                self._tell(error)
                seconds = min(seconds * 2, LONGEST_WAIT_SECONDS)
                self.put_off[school_id] = (time.monotonic() + seconds, seconds)
            else:
                self.put_off.pop(school_id, None)
        await self.door.summarise(self.database)

    def _tell(self, error: Exception) -> None:
        if isinstance(error, FieldgateError):
            self.log.error("allocation failed", code=error.code)
        else:
            self.log.error("allocation failed", **told(error))


@contextlib.asynccontextmanager
async def allocating(database: Database, door: Door, log: Log) -> AsyncIterator[None]:
    """Allocate while the block runs; at its end, write the summaries of failures that are left."""
    task = asyncio.create_task(Allocator(database, door, log).live())
    try:
        yield
    finally:
        task.cancel()
        # A statement on a stalled database may not let itself be cancelled: it is left.
        await asyncio.wait({task}, timeout=STOP_SECONDS)
        with contextlib.suppress(FieldgateError, TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await door.summarise(database, everything=True)
        door.close()
