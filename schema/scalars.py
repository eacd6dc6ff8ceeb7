"""Scalars whose values are already canonical text in storage: days, instants and decimals.

They are passed through, so that compiled answers and executed answers have the same bytes.
"""

from typing import NewType

import strawberry
from graphql import GraphQLError, StringValueNode, ValueNode
from strawberry.types.scalar import ScalarDefinition

Date = NewType("Date", str)
DateTime = NewType("DateTime", str)
Decimal = NewType("Decimal", str)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise GraphQLError("A text is needed here.")
    return value


def _literal(node: ValueNode, variables: object = None) -> str:
    if not isinstance(node, StringValueNode):
        raise GraphQLError("A text is needed here.")
    return node.value


def _scalar(name: str, description: str, url: str | None) -> ScalarDefinition:
    return strawberry.scalar(
        name=name,
        description=description,
        specified_by_url=url,
        serialize=str,
        parse_value=_text,
        parse_literal=_literal,
    )


SCALARS: dict[object, ScalarDefinition] = {
    Date: _scalar("Date", "A calendar day, YYYY-MM-DD.", "https://scalars.graphql.org/andimarek/local-date"),
    DateTime: _scalar(
        "DateTime",
        "A moment in UTC, YYYY-MM-DDTHH:MM:SS.ffffffZ.",
        "https://scalars.graphql.org/andimarek/date-time",
    ),
    Decimal: _scalar("Decimal", "A decimal number as text, so that no digit is lost.", None),
}
