"""How the cost of a request grows with the data around it: not at all, or with the rows that it asks for.

Two databases, or two requests, that differ in one thing only, rounds interleaved. Nothing is compared with the other
servers here: they are not the measure of this. What contacts' access costs the same links is measured here too.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cases import FIELDGATE, PLAIN, http_query, query
from bench.data import EVERYTHING, GRANTED, World, make_world
from bench.load import Client
from bench.rounds import Pace, Progress, Series, slot
from bench.servers import Server, running
from schema.vocabulary import VIEW_AND_UPDATE

FLAT = 1.15
LINEAR = 1.25  # a large page does not stay in the processor's caches
ACCESS = 1.3
FAMILIES = 4_800  # students of the bench's schools who have some 10,000 links
"""Links with access against the same links without: at most so many times the cost."""
FEW_ROWS = 100
MANY_ROWS, MANY_SCHOOLS, MANY_APPS = 10_000, 50, 1_000
SETTINGS = {"FIELDGATE_PAGE_CAP": str(MANY_ROWS)}


@dataclass(frozen=True, slots=True)
class Scaling:
    """What was compared, and how the cost grew: per request, or per row where the rows grow. `most`: None, no bound."""

    title: str
    small: str
    large: str
    small_ms: float
    large_ms: float
    growth: float
    most: float | None


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    server: Server
    request: bytes


async def scalings(client: Client, folder: Path, pace: Pace, tell: Progress) -> list[Scaling]:
    """All comparisons, one after the other."""
    tell("making the databases of the scaling checks")
    one = await make_world(folder / "one.db", students=200)
    schools = await make_world(folder / "schools.db", students=200, schools=MANY_SCHOOLS)
    apps = await make_world(folder / "apps.db", students=200, other_apps=MANY_APPS - 1)
    rows = await make_world(folder / "rows.db", students=MANY_ROWS)
    found: list[Scaling] = []
    with serving(one) as small:
        plain = PLAIN.request(FIELDGATE, one)
        everything = replace(PLAIN, token="everything").request(FIELDGATE, one)
        with serving(schools) as large:
            sides = Side(small, plain), Side(large, PLAIN.request(FIELDGATE, schools))
            found.append(compared(client, "schools with a consent", "1", str(MANY_SCHOOLS), sides, pace, tell))
        scopes = str(len(GRANTED)), str(len(EVERYTHING))
        sides = Side(small, plain), Side(small, everything)
        found.append(compared(client, "scopes granted", *scopes, sides, pace, tell))
        with serving(apps) as large:
            sides = Side(small, plain), Side(large, PLAIN.request(FIELDGATE, apps))
            found.append(compared(client, "apps with a consent", "1", f"{MANY_APPS:,}", sides, pace, tell))
    with serving(rows) as server:
        for many in (1_000, MANY_ROWS):
            sides = Side(server, page(rows, FEW_ROWS)), Side(server, page(rows, many))
            titles = "students in the answer, per row", f"{FEW_ROWS}", f"{many:,}"
            found.append(compared(client, *titles, sides, pace, tell, factor=many / FEW_ROWS, most=LINEAR))
        for title, without, included, most in access_requests(rows):
            sides = Side(server, without), Side(server, included)
            found.append(compared(client, title, "without", "with", sides, pace, tell, most=most))
    return found


def access_requests(world: World) -> Iterator[tuple[str, bytes, bytes, float | None]]:
    """What contacts' access costs: in query five, of bare links that read nothing else, and as a filter of a count."""

    def ask(document: str, **variables: object) -> bytes:
        return http_query(query(document), {"school": world.schools[0], **variables}, world.tokens["granted"])

    small, large = (ask("contact_access_of", first=FAMILIES, access=access) for access in (False, True))
    yield f"access in query five, {MANY_ROWS:,} links", small, large, ACCESS
    small, large = (ask("links", access=access) for access in (False, True))
    yield f"access of {MANY_ROWS:,} bare links", small, large, None
    yield "a count of links by access", ask("links_counted"), ask("links_counted", access=VIEW_AND_UPDATE), None


@contextlib.contextmanager
def serving(world: World) -> Iterator[Server]:
    """fieldgate on a world, with the page cap raised."""
    with running(FIELDGATE, world, SETTINGS) as server:
        yield server


def page(world: World, first: int) -> bytes:
    """The first query with another page size."""
    text = query(PLAIN.document).replace("first: 100", f"first: {first}")
    return http_query(text, PLAIN.variables(world), world.tokens["granted"])


def compared(
    client: Client,
    title: str,
    small: str,
    large: str,
    sides: tuple[Side, Side],
    pace: Pace,
    tell: Progress,
    *,
    factor: float = 1.0,
    most: float | None = FLAT,
) -> Scaling:
    """Measure two sides in rounds. `factor`: how many times more the larger one is asked for."""
    series = Series(), Series()
    for side in sides:
        slot(client, side.server, side.request, pace.seconds, Series())
    for number in range(pace.rounds):
        tell(f"{title}, {small} and {large}: round {number + 1} of {pace.rounds}")
        for side, measured in zip(sides, series, strict=True):
            slot(client, side.server, side.request, pace.seconds, measured)
    small_ms, large_ms = series[0].ms, series[1].ms
    return Scaling(title, small, large, small_ms, large_ms, large_ms / small_ms / factor, most)
