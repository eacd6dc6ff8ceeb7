"""What the bench prints: milliseconds of server CPU per request, ratios beside their floors, and the same as JSON."""

import json
import os
import platform
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.cases import (
    CASES,
    DENIED,
    DENIED_FLOOR,
    FIELDGATE,
    HANDWRITTEN,
    HANDWRITTEN_AIM,
    HANDWRITTEN_FLOOR,
    PERMISSIONS,
    PLAIN,
    SERVERS,
    Case,
)
from bench.rounds import Results, ratio
from bench.scaling import Scaling

PACKAGES = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "sqlalchemy", "aiosqlite", "orjson")


@dataclass(frozen=True, slots=True)
class Check:
    """A figure and the bound that it must keep, if it has one: at least `bound`, or at most where `at_most`."""

    title: str
    figure: float
    bound: float | None
    aim: float | None = None
    at_most: bool = False

    @property
    def kept(self) -> bool:
        """Whether the bound is kept."""
        return self.bound is None or (self.figure <= self.bound if self.at_most else self.figure >= self.bound)

    def shown(self) -> str:
        """The figure beside its bound."""
        if self.bound is None:
            return f"{self.figure:.2f} ×"
        colour, word = ("green", "✓") if self.kept else ("red", "✗")
        aim = f", aim {self.aim:g}" if self.aim is not None else ""
        return f"[{colour}]{self.figure:.2f} × {word}[/] [dim]({'≤' if self.at_most else '≥'} {self.bound:g}{aim})[/]"


def checks(results: Results) -> Iterator[Check]:
    """Every figure that has a floor."""
    for case in CASES:
        yield against_handwritten(results, case)
        yield against_permissions(results, case)
    yield denied_against_none(results)


def all_kept(results: Results, scalings: Sequence[Scaling]) -> bool:
    """Whether every bound is kept."""
    return all(check.kept for check in [*checks(results), *map(scaling_check, scalings)])


def against_handwritten(results: Results, case: Case) -> Check:
    """The hand-written endpoint's CPU by fieldgate's."""
    figure = ratio(results, case, HANDWRITTEN)
    return Check(f"{case.title} / {HANDWRITTEN}", figure, HANDWRITTEN_FLOOR, HANDWRITTEN_AIM)


def against_permissions(results: Results, case: Case) -> Check:
    """The permission classes' CPU by fieldgate's."""
    return Check(f"{case.title} / {PERMISSIONS}", ratio(results, case, PERMISSIONS), case.floor, case.aim)


def denied_against_none(results: Results) -> Check:
    """What three denied fields cost fieldgate."""
    figure = results[DENIED.title, FIELDGATE].ms / results[PLAIN.title, FIELDGATE].ms
    return Check("three fields denied / none denied", figure, DENIED_FLOOR, 1.0, at_most=True)


def print_results(console: Console, results: Results) -> None:
    """The table of the queries."""
    table = Table(title="Server CPU per request, ms (median of the rounds)")
    table.add_column("query")
    for name in SERVERS:
        table.add_column(name, justify="right")
    table.add_column(f"× {HANDWRITTEN}", justify="right")
    table.add_column(f"× {PERMISSIONS}", justify="right")
    for case in CASES:
        table.add_row(
            case.title,
            *(f"{results[case.title, name].ms:.3f}" for name in SERVERS),
            against_handwritten(results, case).shown(),
            against_permissions(results, case).shown(),
        )
    console.print(table)
    denied = denied_against_none(results)
    console.print(f"{denied.title}: {denied.shown()}")


def print_scaling(console: Console, scalings: Sequence[Scaling]) -> None:
    """The table of what must stay flat, or linear."""
    table = Table(title="Scaling of fieldgate: server CPU per request, ms")
    for title in ("what grows", "from", "ms", "to", "ms", "cost grows"):
        table.add_column(title, justify="left" if title in ("what grows", "from", "to") else "right")
    for each in scalings:
        check = scaling_check(each)
        table.add_row(each.title, each.small, f"{each.small_ms:.3f}", each.large, f"{each.large_ms:.3f}", check.shown())
    console.print(table)


def scaling_check(scaling: Scaling) -> Check:
    """A scaling's growth, by what it may grow."""
    return Check(scaling.title, scaling.growth, scaling.most, at_most=True)


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    names = [
        line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "name" in line
    ]
    return {
        "processor": names[0] if names else platform.processor(),
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in PACKAGES},
    }


def as_json(results: Results, scalings: Sequence[Scaling]) -> str:
    """Everything measured, for other programs."""
    queries = [{"query": case, "server": server, **asdict(series)} for (case, server), series in results.items()]
    held = [*checks(results), *map(scaling_check, scalings)]
    return json.dumps(
        {
            "machine": machine(),
            "queries": queries,
            "scaling": [asdict(each) for each in scalings],
            "checks": [{**asdict(check), "kept": check.kept} for check in held],
        },
        indent=1,
    )
