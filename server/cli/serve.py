"""`fieldgate serve`: answer queries until it is stopped."""

import sys
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import typer

from server.cli.database import DatabaseOption, JsonOption, settings_for
from server.cli.output import note, print_json


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="How many processes answer.")] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer queries until stopped."""
    settings = settings_for(database)
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
        workers=settings.workers if workers is None else workers,
    )
    from server.serve import say_ready
    from server.serve import serve as serve_until_stopped

    def print_ready(url: str) -> None:
        print_json(url=url, host=settings.host, port=urlsplit(url).port, workers=settings.workers)
        sys.stdout.flush()

    if not as_json:
        note(f"Links in answers begin with {settings.base_url}.")
    serve_until_stopped(settings, print_ready if as_json else say_ready)
