"""A whole school from a Wonde-like API into the database: begin, read every list, write what differs, end.

What the API declines to supply is found list by list and include by include, and stays as stored. Anything else that
goes wrong ends the run as failed and changes nothing.
"""

import asyncio
from collections.abc import Callable

from authz.audit import Actor
from schema.ids import MakeKey, random_key
from server.database import Database
from server.sync.client import Declined, WondeClient
from server.sync.imports import RENEW_SECONDS, ImportResult, Wanted, begin, complete, kept_alive
from server.sync.reading import Reading, SchoolRecords
from server.sync.wonde import ENDPOINTS, Endpoint

SOURCE = "wonde"

Progress = Callable[[str, int], None]
"""Called with the list that is being read and how many more records came; at last with `writing` and 0."""


async def sync_school(
    database: Database,
    client: WondeClient,
    wanted: Wanted,
    *,
    by: Actor,
    progress: Progress | None = None,
    key: MakeKey = random_key,
    accept_empty: bool = False,
    renew_seconds: float = RENEW_SECONDS,
) -> ImportResult:
    """Import the wanted school; it is made here when only the API knows it."""
    tell = progress or _silent
    run = await begin(database, SOURCE, wanted, by=by, key=key)
    async with kept_alive(database, run, renew_seconds):
        reading = Reading(await client.school(run.source_id), run.source_id)
        reading.take_permissions(await client.declined_permissions(run.source_id))
        for endpoint in ENDPOINTS:
            tell(endpoint.path, 0)
            await _read(client, reading, endpoint, tell)
            reading.close(endpoint)
        if reading.permissions_known:  # one that was withdrawn meanwhile has blanked its field in some of the records
            reading.take_permissions(await client.declined_permissions(run.source_id))
        tell("writing", 0)
        return await complete(database, run, reading, key=key, accept_empty=accept_empty)


async def import_records(
    database: Database, records: SchoolRecords, *, source: str, by: Actor, key: MakeKey = random_key
) -> ImportResult:
    """Import a school whose records are in memory already, through the same validation and the same writer."""
    run = await begin(database, source, Wanted(source_id=records.source_id), by=by, key=key)
    async with kept_alive(database, run):
        reading = Reading(records.school, records.source_id)
        for endpoint in ENDPOINTS:
            await asyncio.to_thread(reading.take, endpoint, records.lists.get(endpoint.path, ()))
            reading.close(endpoint)
        return await complete(database, run, reading, key=key)


async def _read(client: WondeClient, reading: Reading, endpoint: Endpoint, tell: Progress) -> None:
    school = reading.source_id
    try:
        await _take_pages(client, reading, endpoint, tuple(endpoint.includes), tell)
    except Declined:
        if not await client.supplies(school, endpoint.path):
            reading.decline(endpoint)
            return
        supplied = [name for name in endpoint.includes if await client.supplies(school, endpoint.path, name)]
        for name in endpoint.includes:
            if name not in supplied:
                reading.decline(endpoint, name)
        await _take_pages(client, reading, endpoint, tuple(supplied), tell)


async def _take_pages(
    client: WondeClient, reading: Reading, endpoint: Endpoint, includes: tuple[str, ...], tell: Progress
) -> None:
    async for records in client.pages(reading.source_id, endpoint.path, includes):
        await asyncio.to_thread(reading.take, endpoint, records)
        tell(endpoint.path, len(records))


def _silent(_stage: str, _count: int) -> None:
    """Nobody is watching."""
