"""The rules a field can carry in the SDL: `@requiresScopes`, `@authenticated`, and for people `@requiresRole`.

Name and argument shape of the first two are those of Apollo Federation's directives, so that a gateway reads them too.
They are the only source of rules: compiled plans and the executor both read them from the built schema.
"""

import strawberry
from strawberry.schema_directive import Location


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="requiresScopes",
    description="The school must have granted every scope of at least one of these lists to the calling app.",
)
class RequiresScopes:
    """A field that needs scopes in force: any one of the lists, all scopes of it."""

    scopes: list[list[str]] = strawberry.directive_field(name="scopes")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="authenticated",
    description="A valid app token is needed, and below a school a consent in force; no scope.",
)
class Authenticated:
    """A field that needs a principal and no scope."""


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="requiresRole",
    description="For a person with this role at the school, never for an app; `anybody` needs no credential.",
)
class RequiresRole:
    """A field that people read, by their role."""

    role: str = strawberry.directive_field(name="role")


ANYBODY = "anybody"


def role_rule(role: str) -> tuple[tuple[str, ...], ...]:
    """The rule of a role: a word that no scope can be, so that no app ever has it."""
    return () if role == ANYBODY else ((f"role:{role}",),)
