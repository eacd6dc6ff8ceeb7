"""`make bench`: measure, print, and end with status 1 when a floor is missed."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import CannotMeasure, report
from bench.cases import CASES, SERVERS
from bench.data import STUDENTS, make_world
from bench.load import Client
from bench.permissions import QUIET
from bench.rounds import AnswersDiffer, Pace, Progress, Results, measure
from bench.scaling import Scaling, scalings
from bench.servers import running

QUICK_STUDENTS = 150
Rounds = Annotated[int, typer.Option(min=1, max=50, help="How often each query is measured on each server.")]
Seconds = Annotated[float, typer.Option(min=0.05, max=10, help="How long each time.")]


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Only show that all runs; judge no figure.")] = False,
    scaling: Annotated[bool, typer.Option("--scaling", help="Also measure what must stay flat.")] = False,
    quiet_denials: Annotated[
        bool,
        typer.Option("--quiet-denials", help="Let the permission classes log no denials."),
    ] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write everything measured to a file.")] = None,
    rounds: Rounds = 9,
    seconds: Seconds = 0.5,
) -> None:
    """Measure the server CPU per request of fieldgate and of two other servers on the same data."""
    console = Console()
    pace = Pace(1, 0.05, connections=1) if quick else Pace(rounds, seconds)
    settings = {QUIET: "1"} if quiet_denials else {}
    try:
        with console.status("making the data") as status:
            measured = asyncio.run(run(console, pace, status.update, settings, quick=quick, scaling=scaling))
    except (AnswersDiffer, CannotMeasure) as problem:
        console.print(f"[red]{problem}[/]")
        sys.exit(1)
    if json is not None:
        json.write_text(report.as_json(*measured), encoding="utf-8")
    sys.exit(0 if quick or report.all_kept(*measured) else 1)


async def run(
    console: Console, pace: Pace, tell: Progress, settings: Mapping[str, str], *, quick: bool, scaling: bool
) -> tuple[Results, list[Scaling]]:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="fieldgate-bench-") as place, Client(pace.connections) as client:
        folder = Path(place)
        world = await make_world(folder / "bench.db", students=QUICK_STUDENTS if quick else STUDENTS)
        with contextlib.ExitStack() as three:
            servers = [three.enter_context(running(name, world, settings)) for name in SERVERS]
            results = measure(client, servers, CASES, world, pace, tell)
        report.print_results(console, results)
        grown = await scalings(client, folder, pace, tell) if scaling else []
        if grown:
            report.print_scaling(console, grown)
    return results, grown


if __name__ == "__main__":
    typer.run(bench)
