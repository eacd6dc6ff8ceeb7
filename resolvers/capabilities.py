"""`School.mis.capabilities` in SQL: what imports saw of the school over what is published of its MIS.

The rule is that of `authz/capabilities.py`, which the reference asks; what is published stands in the statement itself.
"""

from functools import cache

from authz.capabilities import DECLINED, UNKNOWN, all_published
from authz.session import Dialect
from resolvers.writer import Scalar, literal
from schema.fields import Kind
from schema.mis.school import ATTRIBUTE, CAPABILITY

SAID = f"(q.state IS NULL OR (q.state <> '{DECLINED}' AND p.state <> '{UNKNOWN}'))"
"""What is published counts, not what was seen."""


def capability_rows(dialect: Dialect, school: str) -> str:
    """FROM and WHERE: a row `p` for each attribute as published of the school's MIS, and `q` as imports saw it."""
    listed = ", ".join(literal(mis) for mis in all_published() if mis)
    own = f"replace(lower(coalesce({school}.provider, '')), ' ', '')"
    return (
        f"({_published(dialect)}) p LEFT JOIN school_capability q ON q.school_id = {school}.id "
        f"AND q.attribute = p.attribute WHERE p.mis = CASE WHEN {own} IN ({listed}) THEN {own} ELSE '' END"
    )


def capability_value(dialect: Dialect, key: str, name: str) -> Scalar:
    """One field of `MisCapability` under a response key."""
    if name == "attribute":
        return Scalar(key, ATTRIBUTE, "upper(p.attribute)")
    if name == "asOf":
        seen = "substr(q.as_of, 1, 10)" if dialect.is_sqlite else "q.as_of::date"
        return Scalar(key, Kind.DATE, f"CASE WHEN {SAID} THEN p.as_of ELSE {seen} END")
    kind = CAPABILITY if name == "state" else Kind.TEXT
    return Scalar(key, kind, f"CASE WHEN {SAID} THEN p.{name} ELSE q.{name} END")


@cache
def _published(dialect: Dialect) -> str:
    """The published facts as rows; those under no name are for every MIS of which nothing is published."""
    rows = []
    for mis, capabilities in all_published().items():
        for number, each in enumerate(capabilities):
            as_of = literal(each.as_of) if each.as_of else "NULL"
            day = as_of if dialect.is_sqlite else f"{as_of}::date"
            values = (
                literal(mis),
                str(number),
                literal(each.attribute),
                literal(each.state),
                literal(each.source),
                day,
            )
            names = ("mis", "n", "attribute", "state", "source", "as_of")
            rows.append("SELECT " + ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True)))
    return " UNION ALL ".join(rows)
