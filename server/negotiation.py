"""Which media type answers a request: the `Accept` header read as HTTP says, with weights.

The highest weight wins, then the range that names the type more closely, then the order of the header. Nothing asked
for, or anything at all (`*/*`), means `application/json`; nothing of ours asked for is a refusal.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
LONGEST_KEPT = 400
"""Headers longer than this are read anew each time: what is kept must not grow with what callers send."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - HTTP's word for a word
_RANGE = re.compile(rf"\s*({_TOKEN})/({_TOKEN})\s*((?:;.*)?)$", re.DOTALL)
_PARAMETER = re.compile(rf";\s*({_TOKEN})\s*=\s*(?:\"([^\"]*)\"|({_TOKEN}))\s*")
_WEIGHT = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_UTF_8 = ("utf-8", "utf8")


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One element of an `Accept` header: what it covers, its weight and its place."""

    kind: str
    subtype: str
    weight: float
    place: int

    def closeness(self, media_type: str) -> int:
        """0 where it does not cover the type; else higher the more closely it names it."""
        kind, _, subtype = media_type.partition("/")
        if self.kind == "*":
            return 1 if self.subtype == "*" else 0
        if self.kind != kind:
            return 0
        if self.subtype == "*":
            return 2
        return 3 if self.subtype == subtype else 0


def chosen(accept: bytes | None, offered: Sequence[str]) -> str | None:
    """The media type to answer with, of those offered (the first is the usual one); None where none is acceptable."""
    if accept is None or not accept.strip():
        return offered[0]
    if len(accept) > LONGEST_KEPT:
        return _choose(accept, tuple(offered))
    return _kept(accept, tuple(offered))


def _choose(accept: bytes, offered: tuple[str, ...]) -> str | None:
    ranges = _read(accept.decode("latin-1"))
    best: tuple[float, int, int, int] | None = None
    winner: str | None = None
    for index, media_type in enumerate(offered):
        covering = [(each.closeness(media_type), -each.place, each.weight) for each in ranges]
        closeness, place, weight = max(covering, default=(0, 0, 0.0))
        if closeness == 0 or weight == 0:
            continue
        rank = (weight, closeness, place, -index)
        if best is None or rank > best:
            best, winner = rank, media_type
    return winner


_kept = lru_cache(maxsize=128)(_choose)


def _read(header: str) -> list[MediaRange]:
    ranges: list[MediaRange] = []
    for place, element in enumerate(header.split(",")):
        read = _RANGE.match(element)
        if read is None:
            continue
        given = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(read[3])}
        weight = given.get("q", "1")
        if not _WEIGHT.fullmatch(weight) or given.get("charset", "utf-8").lower() not in _UTF_8:
            continue
        ranges.append(MediaRange(read[1].lower(), read[2].lower(), float(weight), place))
    return ranges


@lru_cache(maxsize=64)
def is_json(content_type: bytes | None) -> bool:
    """Whether a `Content-Type` says JSON in UTF-8."""
    read = _RANGE.match((content_type or b"").decode("latin-1"))
    if read is None or f"{read[1]}/{read[2]}".lower() != JSON:
        return False
    given = {name.lower(): (quoted or plain).lower() for name, quoted, plain in _PARAMETER.findall(read[3])}
    return given.get("charset", "utf-8") in _UTF_8
