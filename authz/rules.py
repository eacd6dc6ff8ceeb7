"""The rules of a built schema: coordinate → scopes (or the role) needed, read from the directives on its fields.

They are the only source of rules, for compiled plans and for the executor alike. A field of an object type without a
rule, an empty list of scopes, or a rule on an interface (the concrete type's counts) refuses the schema.
"""

from collections.abc import Mapping

import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType

from schema.directives import Authenticated, RequiresRole, RequiresScopes, role_rule
from schema.fields import Alternatives


class UnguardedFieldError(Exception):
    """A field of the schema has no usable rule, so the schema must not be served."""


def rules_of(schema: strawberry.Schema) -> Mapping[str, Alternatives]:
    """Every coordinate of every object type with its rule; `()` is `@authenticated`."""
    rules: dict[str, Alternatives] = {}
    for named in schema._schema.type_map.values():
        if named.name.startswith("__"):
            continue
        if isinstance(named, GraphQLInterfaceType):
            _refuse_rules_on(named)
        elif isinstance(named, GraphQLObjectType):
            for name in named.fields:
                rules[f"{named.name}.{name}"] = _rule(named, name)
    return rules


Rule = RequiresScopes | Authenticated | RequiresRole


def _directives(named: GraphQLObjectType | GraphQLInterfaceType, name: str) -> list[Rule]:
    definition = named.fields[name].extensions.get("strawberry-definition")
    directives = getattr(definition, "directives", ())
    return [directive for directive in directives if isinstance(directive, Rule)]


def _rule(named: GraphQLObjectType, name: str) -> Alternatives:
    coordinate = f"{named.name}.{name}"
    found = _directives(named, name)
    if len(found) != 1:
        raise UnguardedFieldError(f"{coordinate} carries {len(found)} rules; exactly one is needed.")
    directive = found[0]
    if isinstance(directive, Authenticated):
        return ()
    if isinstance(directive, RequiresRole):
        return role_rule(directive.role)
    alternatives = tuple(tuple(scopes) for scopes in directive.scopes)
    if not alternatives or not all(alternatives):
        raise UnguardedFieldError(f"{coordinate} has an empty list of scopes, which would open it to everybody.")
    return alternatives


def _refuse_rules_on(named: GraphQLInterfaceType) -> None:
    for name in named.fields:
        if _directives(named, name):
            raise UnguardedFieldError(f"{named.name}.{name} is an interface's field: the rule belongs on its types.")
