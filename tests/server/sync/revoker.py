"""Another process that decides while an import runs: it grants and revokes, and prints how long the slowest took.

It begins when it is started and ends when its standard input closes.
"""

import asyncio
import json
import sys
import threading
import time

from authz import apps, consent, schools
from authz.audit import Actor
from server.database import open_database
from tests.manifests import manifest

BY = Actor("an approver")


async def decide(url: str, over: threading.Event) -> dict[str, float]:
    """Grant and revoke one consent, again and again."""
    database = open_database(url)
    async with database.write() as session:
        school_id = await schools.add(session, "Deciding School", by=BY)
        app = (await apps.register(session, manifest(), by=BY)).app
    print("ready", flush=True)
    slowest, times = 0.0, 0
    while not over.is_set():
        for action in (consent.grant, consent.revoke):  # whichever of the two meets the import's lock waits for it
            begun = time.monotonic()
            async with database.write() as session:
                await action(session, school_id, app.id, by=BY)
            slowest, times = max(slowest, time.monotonic() - begun), times + 1
        await asyncio.sleep(0.005)
    await database.close()
    return {"slowest": slowest, "times": times}


def main() -> None:
    """Decide until the standard input closes."""
    over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    print(json.dumps(asyncio.run(decide(sys.argv[1], over))))


if __name__ == "__main__":
    main()
