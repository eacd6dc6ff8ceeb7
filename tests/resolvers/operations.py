"""Generated operations over the whole schema: links at any depth, aliases, fragments, directives, variables, pages.

Every choice comes from the random source it is given, so that hypothesis can replay and shrink it.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

from tests.world import World


@dataclass
class Operation:
    """A document and its variables."""

    text: str = ""
    variables: dict[str, Any] = field(default_factory=dict)


class OperationMaker:
    """Makes one operation."""

    def __init__(self, schema: GraphQLSchema, world: World, source: Random, depth: int = 7) -> None:
        self.schema = schema
        self.world = world
        self.source = source
        self.depth = depth
        self.declarations: list[str] = []
        self.variables: dict[str, Any] = {}
        self.fragments: list[str] = []
        self.budget = 60

    def make(self) -> Operation:
        """The operation."""
        roots = [self._root(number) for number in range(self.source.choice([1, 1, 1, 2, 3]))]
        head = f"query Q({', '.join(self.declarations)})" if self.declarations else "query Q"
        text = f"{head} {{ {' '.join(roots)} }} {' '.join(self.fragments)}"
        return Operation(text, self.variables)

    def _root(self, number: int) -> str:
        kind = self.source.choice(["school", "school", "school", "schools", "node", "nodes", "viewer", "meta"])
        key = f"r{number}"
        if kind == "meta":
            return f"{key}: __typename"
        if kind == "viewer":
            return f"{key}: viewer {{ app {{ name consents {{ school {{ id name }} state scopes missing epoch }} }} }}"
        if kind == "schools":
            return f"{key}: schools{self._page()} {self._connection('SchoolConnection', 0)}"
        if kind == "school":
            return f"{key}: school(id: {self._id_value(self._school_id())}) {self._object('School', 0)}"
        if kind == "node":
            return f"{key}: node(id: {self._id_value(self._any_id())}) {self._node(0)}"
        ids = [self._any_id() for _ in range(self.source.randint(0, 4))]
        name = self._declare("[ID!]!", ids)
        return f"{key}: nodes(ids: {name}) {self._node(0)}"

    def _school_id(self) -> str:
        return self.source.choice([*self.world.schools, "sch_00000000", "not an id"])

    def _any_id(self) -> str:
        table = self.source.choice([name for name, rows in self.world.rows.items() if rows and "id" in rows[0]])
        ids: list[str] = [row["id"] for row in self.world.rows[table]]
        return self.source.choice([*ids, ids[0], "stu_" + "0" * 34, "nonsense"]) if self.source.random() < 0.2 else (
            self.source.choice(ids)
        )  # fmt: skip

    def _id_value(self, value: str) -> str:
        return self._declare("ID!", value) if self.source.random() < 0.5 else f'"{value}"'

    def _declare(self, kind: str, value: Any, default: str = "") -> str:
        name = f"v{len(self.declarations)}"
        self.declarations.append(f"${name}: {kind}{default}")
        if not default or self.source.random() < 0.5:
            self.variables[name] = value
        return f"${name}"

    def _page(self) -> str:
        if self.source.random() < 0.4:
            return ""
        size = self.source.choice([1, 2, 3, 50, 500])
        name = self.source.choice(["first", "last"])
        given = self._declare("Int", size) if self.source.random() < 0.3 else str(size)
        if given.startswith("$") and self.source.random() < 0.2:
            self.variables[given[1:]] = None
        return f"({name}: {given})"

    def _with_filter(self, page: str) -> str:
        """Page arguments with a filter by access, given as a literal, as a variable, or not at all."""
        if self.source.random() < 0.5:
            return page
        value = self.source.choice(["VIEW_AND_UPDATE", "NO_PERMISSION", None])
        given = value or "null"
        if self.source.random() < 0.5:
            default = self.source.choice(["", " = NO_PERMISSION"])
            given = self._declare("ContactPermission", value, default)
        return f"{page[:-1]}, access: {given})" if page else f"(access: {given})"

    def _directive(self) -> str:
        if self.source.random() > 0.12:
            return ""
        name = self.source.choice(["include", "skip"])
        value = self.source.random() < 0.5
        if self.source.random() < 0.5:
            return f" @{name}(if: {str(value).lower()})"
        if self.source.random() < 0.3:
            return f" @{name}(if: {self._declare('Boolean', value, ' = true')})"
        return f" @{name}(if: {self._declare('Boolean!', value)})"

    # -- selections

    def _node(self, depth: int) -> str:
        parts = ["__typename"] if self.source.random() < 0.5 else []
        if self.source.random() < 0.7:
            parts.append("id")
        names = [each.name for each in self.schema.get_possible_types(self._interface())]
        some = self.source.sample(names, self.source.randint(1, 4))
        parts += [f"... on {name} {self._object(name, depth)}" for name in some]
        return "{ " + " ".join(parts) + " }"

    def _interface(self) -> GraphQLInterfaceType:
        found = self.schema.type_map["Node"]
        assert isinstance(found, GraphQLInterfaceType)
        return found

    def _fields(self, type_name: str) -> dict[str, Any]:
        found = self.schema.type_map[type_name]
        assert isinstance(found, GraphQLObjectType)
        return dict(found.fields)

    def _object(self, type_name: str, depth: int) -> str:
        fields = self._fields(type_name)
        leaves = [name for name in fields if not self._is_object(get_named_type(fields[name].type))]
        objects = [name for name in fields if name not in leaves]
        chosen = self.source.sample(leaves, min(len(leaves), self.source.randint(1, 5)))
        if depth < self.depth and self.budget > 0 and objects:
            chosen += self.source.sample(objects, min(len(objects), self.source.choice([0, 1, 1, 2, 3])))
        if self.source.random() < 0.15:
            chosen.append("__typename")
        self.source.shuffle(chosen)
        parts = [self._select(type_name, name, fields, depth) for name in chosen]
        if self.source.random() < 0.15:
            parts.append(self._repeat(type_name, leaves))
        return "{ " + " ".join(parts) + " }"

    def _repeat(self, type_name: str, leaves: list[str]) -> str:
        """A fragment that selects something again, so that fields merge."""
        body = " ".join(self.source.sample(leaves, min(len(leaves), 2)))
        kind = self.source.choice(["inline", "typed", "spread"])
        if kind == "inline":
            return f"...{self._directive()} {{ {body} }}"
        if kind == "typed":
            return f"... on Node {{ id }} ... on {type_name} {{ {body} }}" if "id" in leaves else f"... {{ {body} }}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {type_name} {{ {body} }}")
        return f"...{name}{self._directive()}"

    @staticmethod
    def _is_object(named: GraphQLNamedType) -> bool:
        return isinstance(named, GraphQLObjectType | GraphQLInterfaceType)

    def _select(self, type_name: str, name: str, fields: dict[str, Any], depth: int) -> str:
        self.budget -= 1
        alias = self._alias(name)
        if name == "__typename":
            return f"{alias}{name}"
        named = get_named_type(fields[name].type)
        tail = self._directive()
        if named.name.endswith("Connection"):
            filtered = "access" in fields[name].args
            page = self._with_filter(self._page()) if filtered else self._page()
            return f"{alias}{name}{page}{tail} {self._connection(named.name, depth + 1)}"
        if self._is_object(named):
            return f"{alias}{name}{tail} {self._object(named.name, depth + 1)}"
        return f"{alias}{name}{tail}"

    def _alias(self, name: str) -> str:
        if self.source.random() > 0.12:
            return ""
        unique = f"a{self.budget}_{len(self.declarations)}".replace("-", "m")
        wild = [unique, f"{name}_{unique}", f"t1{unique}", f"{'k' * 70}{unique}", f"_{unique}"]
        return f"{self.source.choice(wild)}: "

    def _connection(self, type_name: str, depth: int) -> str:
        target = type_name.removesuffix("Connection")
        parts: list[str] = []
        for name in self.source.sample(
            ["nodes", "nodes", "edges", "pageInfo", "totalCount"], self.source.randint(1, 3)
        ):
            if name == "nodes" and not any(part.startswith("nodes") for part in parts):
                parts.append(f"nodes {self._object(target, depth)}")
            elif name == "edges":
                parts.append(f"edges {{ cursor node {self._object(target, depth)} }}")
            elif name == "pageInfo":
                parts.append("pageInfo { hasNextPage hasPreviousPage startCursor endCursor }")
            elif name == "totalCount":
                parts.append("totalCount")
        return "{ " + (" ".join(parts) or "__typename") + " }"
