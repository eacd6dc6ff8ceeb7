"""The two rules a field can carry in the SDL: `@requiresScopes` or `@authenticated`.

Name and argument shape are those of Apollo Federation's directives, so that a gateway reads them too. They are the only
source of rules: compiled plans and the executor both read them from the built schema.
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
