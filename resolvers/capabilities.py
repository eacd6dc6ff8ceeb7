"""`School.mis.capabilities`: the statement gives what imports saw of the school, Python what is published of its MIS.

What is published is long and the same for all, so it never stands in SQL; the rule is that of `authz/capabilities.py`.
"""

from collections.abc import Iterator, Sequence

import orjson

from authz.capabilities import Capability, combined
from resolvers.writer import Entry, Json, Nested, Scalar, Writer
from schema.fields import Kind


def known_of_school(writer: Writer, school: str) -> list[Entry]:
    """The entries of a JSON object: the school's MIS, and what imports saw."""
    day = "substr(q.as_of, 1, 10)" if writer.dialect.is_sqlite else "q.as_of::date"
    columns: list[Entry] = [
        Scalar("attribute", Kind.TEXT, "q.attribute"),
        Scalar("state", Kind.TEXT, "q.state"),
        Scalar("source", Kind.TEXT, "q.source"),
        Scalar("asOf", Kind.DATE, day),
    ]
    inner = (
        f"SELECT {writer.object(columns).text} AS j, q.attribute AS k FROM school_capability q "
        f"WHERE q.school_id = {school}.id ORDER BY q.attribute"
    )
    seen = Json(writer.array(inner, backwards=False))
    return [Scalar("provider", Kind.TEXT, f"{school}.provider"), Nested("seen", seen)]


def capability_values(known: bytes) -> list[dict[str, str | None]]:
    """The values of the list, from that object's JSON."""
    read = orjson.loads(known)
    seen = {each["attribute"]: Capability(*(each[name] for name in FIELDS)) for each in read["seen"]}
    return list(values_of(combined(read["provider"], seen)))


FIELDS = ("attribute", "state", "source", "asOf")


def values_of(capabilities: Sequence[Capability]) -> Iterator[dict[str, str | None]]:
    """Capabilities as the API names them."""
    for each in capabilities:
        yield {"attribute": each.attribute.upper(), "state": each.state, "source": each.source, "asOf": each.as_of}
