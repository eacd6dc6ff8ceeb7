"""The GraphQL schema, derived from the registry with Strawberry.

Every field of every object type carries `@requiresScopes` or `@authenticated`; interfaces carry none, the concrete
type's rule counts. Resolvers here only hand over to the reader in the request's context: what a value is, and whether
it may be read, is decided above this package.
"""

import enum
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Protocol

import strawberry
from strawberry import UNSET
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from schema.directives import Authenticated, RequiresScopes
from schema.fields import Alternatives, Choice, Entity, Field, Kind, Link, Part, Shape
from schema.people_api import PeopleBuilder, annotate
from schema.registry import FILTERS, REGISTRY, Declared, Registry, entity_fields
from schema.scalars import SCALARS, Date, DateTime, Decimal

Extensions = Sequence[type[SchemaExtension] | Callable[[], SchemaExtension]]


class SchemaBuildError(Exception):
    """The declarations do not add up to a schema that enforces itself."""


class Reader(Protocol):
    """What resolves fields when graphql-core executes: the reference of the compiled plans."""

    def resolve(self, parent: Any, info: Info[Any, Any], coordinate: str, arguments: dict[str, Any]) -> Any:
        """The value of a field, or an awaitable of it."""
        ...


FirstArgument = Annotated[int | None, strawberry.argument(description="So many records from the start (or `after`).")]
AfterArgument = Annotated[str | None, strawberry.argument(description="Only records after this cursor.")]
LastArgument = Annotated[int | None, strawberry.argument(description="So many records from the end (or `before`).")]
BeforeArgument = Annotated[str | None, strawberry.argument(description="Only records before this cursor.")]


def _hand_over(coordinate: str) -> Callable[..., Any]:
    def resolver(root: Any, info: Info[Any, Any]) -> Any:
        return info.context.reader.resolve(root, info, coordinate, {})

    return resolver


def _hand_over_page(coordinate: str) -> Callable[..., Any]:
    def resolver(
        root: Any,
        info: Info[Any, Any],
        first: FirstArgument = UNSET,
        after: AfterArgument = UNSET,
        last: LastArgument = UNSET,
        before: BeforeArgument = UNSET,
    ) -> Any:
        given = {"first": first, "after": after, "last": last, "before": before}
        arguments = {name: None if value is UNSET else value for name, value in given.items()}
        return info.context.reader.resolve(root, info, coordinate, arguments)

    return resolver


def _hand_over_filtered(coordinate: str) -> Callable[..., Any]:
    """A page with filters. Its arguments are given to the field, as a signature cannot name what others declare."""

    def resolver(root: Any, info: Info[Any, Any], **given: Any) -> Any:
        arguments = {name: None if value is UNSET else value for name, value in given.items()}
        return info.context.reader.resolve(root, info, coordinate, dict.fromkeys(PAGE_ARGUMENTS) | arguments)

    return resolver


PAGE_ARGUMENTS = ("first", "after", "last", "before")


def _hand_over_id(coordinate: str) -> Callable[..., Any]:
    def resolver(root: Any, info: Info[Any, Any], id: strawberry.ID) -> Any:  # noqa: A002 - the argument's API name
        return info.context.reader.resolve(root, info, coordinate, {"id": id})

    return resolver


def _hand_over_ids(coordinate: str) -> Callable[..., Any]:
    def resolver(root: Any, info: Info[Any, Any], ids: list[strawberry.ID]) -> Any:
        return info.context.reader.resolve(root, info, coordinate, {"ids": ids})

    return resolver


@strawberry.interface(description="A record that has an opaque id of its own.")
class Node:
    """Implemented by every entity."""

    id: strawberry.ID = strawberry.field(description="Opaque id in this API.")


PYTHON_TYPES: dict[Kind, Any] = {
    Kind.ID: strawberry.ID,
    Kind.TEXT: str,
    Kind.INT: int,
    Kind.BOOL: bool,
    Kind.DATE: Date,
    Kind.INSTANT: DateTime,
    Kind.DECIMAL: Decimal,
}


class ApiBuilder:
    """Builds the object types of one registry."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.types: dict[str, Any] = {"Node": Node}
        self.annotations: dict[str, Any] = {}

    def build(self, extensions: Extensions = ()) -> strawberry.Schema:
        """The schema; `extensions` are Strawberry's."""
        self._page_info()
        for entity in self.registry.entities.values():
            self._entity(entity)
        self._viewer()
        people = PeopleBuilder(self.types, self.annotations, self.enum)
        asked, done = people.build()
        query = self._object("Query", "Everything that can be asked.", [*self._query_fields(), *asked])
        mutation = self._object("Mutation", "What people can do; apps only ask.", done)
        return strawberry.Schema(
            query=query,
            mutation=mutation,
            types=[self.types[name] for name in self.registry.entities],
            directives=[],
            extensions=list(extensions),
            config=StrawberryConfig(auto_camel_case=False, disable_field_suggestions=True, scalar_map=SCALARS),
        )

    # -- fields

    def _field(
        self,
        type_name: str,
        name: str,
        annotation: Any,
        rule: Alternatives,
        description: str,
        resolver: Callable[[str], Callable[..., Any]] = _hand_over,
    ) -> StrawberryField:
        coordinate = f"{type_name}.{name}"
        if rule and not all(rule):
            raise SchemaBuildError(f"{coordinate} has an empty list of scopes, which would open it to everybody.")
        directive = RequiresScopes(scopes=[list(scopes) for scopes in rule]) if rule else Authenticated()
        field: StrawberryField = strawberry.field(
            resolver=resolver(coordinate), name=name, description=description, directives=[directive]
        )
        field.python_name = name
        self.annotations[coordinate] = annotation
        return field

    def _declared(self, declared: Declared, annotation: Any, resolver: Any = _hand_over) -> StrawberryField:
        return self._field(
            declared.type_name,
            declared.name,
            annotation,
            declared.rule,
            f"{declared.description}\n\n{rule_text(declared.rule, 'a consent in force')} · {declared.sensitivity}",
            resolver,
        )

    def _object(self, name: str, description: str, fields: list[StrawberryField], *, node: bool = False) -> type[Any]:
        bases: tuple[type[Any], ...] = (Node,) if node else ()
        namespace: dict[str, Any] = {
            "__module__": __name__,
            "__doc__": description,
            "__annotations__": {field.python_name: Any for field in fields},
            **{field.python_name: field for field in fields},
        }
        if node:
            namespace["is_type_of"] = classmethod(lambda cls, value, info: getattr(value, "type_name", None) == name)
        made = strawberry.type(type(name, bases, namespace), name=name, description=description)
        annotate(made, name, self.annotations, self.types)
        self.types[name] = made
        return made

    # -- entities

    def _entity(self, entity: Entity) -> None:
        fields = self._value_fields(entity, entity.name, entity_fields(entity))
        for link in entity.links:
            fields.append(self._link(entity, link))
        self._object(entity.name, entity.description, fields, node=True)
        if entity.name != "School":
            self._connection(entity.name, self.registry.object_rule(entity))
        else:
            self._connection("School", ())

    def _value_fields(self, entity: Entity, type_name: str, items: tuple[Field | Part, ...]) -> list[StrawberryField]:
        fields: list[StrawberryField] = []
        for item in items:
            declared = self.registry.declared[f"{type_name}.{item.name}"]
            if isinstance(item, Part):
                if item.type_name not in self.types:
                    inner = self._value_fields(entity, item.type_name, item.fields)
                    self._object(item.type_name, item.description, inner)
                annotation: Any = f"list[{item.type_name}] | None" if item.is_list else f"{item.type_name} | None"
            else:
                annotation = self._value_type(item)
            fields.append(self._declared(declared, annotation))
        return fields

    def _value_type(self, item: Field) -> Any:
        if item.name == "id":
            return strawberry.ID
        kind = item.kind
        return self.enum(kind) | None if isinstance(kind, Choice) else PYTHON_TYPES[kind] | None

    def enum(self, kind: Choice) -> Any:
        """The enum of a closed set, made once."""
        if kind.name not in self.types:
            values = {
                name: strawberry.enum_value(name, description=text) for name, text in kind.values
            }  # fmt: skip
            made = enum.Enum(kind.name, values, module=__name__)  # type: ignore[misc]
            self.types[kind.name] = strawberry.enum(made, description=kind.description)
        return self.types[kind.name]

    def _link(self, entity: Entity, link: Link) -> StrawberryField:
        declared = self.registry.declared[f"{entity.name}.{link.name}"]
        if link.shape is Shape.ONE:
            return self._declared(declared, f"{link.target} | None")
        if link.shape is Shape.LIST:
            return self._declared(declared, f"list[{link.target}] | None")
        filters = list(self._filters(link.target))
        resolver = _hand_over_filtered if filters else _hand_over_page
        field = self._declared(declared, f"{link.target}Connection | None", resolver)
        if filters:
            field.arguments = [*StrawberryResolver(_hand_over_page("")).arguments, *filters]
        return field

    def _filters(self, entity: str) -> Iterator[StrawberryArgument]:
        """The filters of an entity's lists: each needs the rule of the coordinate that it filters by."""
        for name, coordinate in FILTERS.get(entity, {}).items():
            declared = self.registry.declared[coordinate]
            text = f"Only records with this value of `{coordinate}`.\n\n{rule_text(declared.rule)}"
            annotation = StrawberryAnnotation(f"{self._choice(declared).__name__} | None", namespace=self.types)
            yield StrawberryArgument(name, name, annotation, description=text, default=UNSET)

    def _choice(self, declared: Declared) -> Any:
        if not isinstance(declared.item, Field) or not isinstance(declared.item.kind, Choice):
            raise SchemaBuildError(f"{declared.coordinate} is no closed set, so no list can be filtered by it.")
        return self.enum(declared.item.kind)

    def _connection(self, name: str, rule: Alternatives) -> None:
        need = f"\n\n{rule_text(rule)}"
        edge = [
            self._field(f"{name}Edge", "cursor", str, rule, f"Sealed cursor of this record in this list.{need}"),
            self._field(f"{name}Edge", "node", f"{name} | None", rule, f"The record.{need}"),
        ]
        self._object(f"{name}Edge", f"One record of a {name} list, with its cursor.", edge)
        text = f"One page of a {name} list, ordered by id."
        connection = [
            self._field(f"{name}Connection", "nodes", f"list[{name}]", rule, f"The records of the page.{need}"),
            self._field(f"{name}Connection", "edges", f"list[{name}Edge]", rule, f"Records with cursors.{need}"),
            self._field(f"{name}Connection", "pageInfo", "PageInfo", rule, f"Where the page stands.{need}"),
            self._field(
                f"{name}Connection", "totalCount", int, rule, f"Records in the whole list; counted when asked.{need}"
            ),
        ]
        self._object(f"{name}Connection", text, connection)

    def _page_info(self) -> None:
        def add(name: str, annotation: Any, text: str) -> StrawberryField:
            return self._field("PageInfo", name, annotation, (), f"{text}\n\n{rule_text(())}")

        self._object(
            "PageInfo",
            "Where a page stands in its list.",
            [
                add("hasNextPage", bool, "Whether records follow the page."),
                add("hasPreviousPage", bool, "Whether records stand before the page."),
                add("startCursor", str | None, "Cursor of the first record."),
                add("endCursor", str | None, "Cursor of the last record."),
            ],
        )

    # -- the caller and its consents

    def _viewer(self) -> None:
        for name, description, fields in VIEWER_TYPES:
            self._object(
                name,
                description,
                [
                    self._field(name, field, annotation, (), f"{text}\n\n{rule_text(())}")
                    for field, annotation, text in fields
                ],
            )

    def _query_fields(self) -> list[StrawberryField]:
        def add(name: str, annotation: Any, text: str, resolver: Any) -> StrawberryField:
            return self._field("Query", name, annotation, (), f"{text}\n\n{rule_text(())}", resolver)

        return [
            add("viewer", "Viewer | None", "The calling app and its consents.", _hand_over),
            add("node", "Node | None", "One record by id; null when hidden, unknown or not consented.", _hand_over_id),
            add(
                "nodes", "list[Node | None] | None", "Records by ids, in that order; null as in `node`.", _hand_over_ids
            ),
            add("school", "School | None", "One school that granted the app something.", _hand_over_id),
            add("schools", "SchoolConnection | None", "The schools with a consent in force.", _hand_over_page),
        ]


VIEWER_TYPES: tuple[tuple[str, str, tuple[tuple[str, Any, str], ...]], ...] = (
    (
        "ConsentSchool",
        "The school of a consent, known to the app even when nothing is shared.",
        (("id", strawberry.ID, "The school's id."), ("name", str | None, "The school's name.")),
    ),
    (
        "Consent",
        "The standing agreement of one school with the calling app.",
        (
            ("id", strawberry.ID, "The consent's id."),
            ("school", "ConsentSchool", "The school."),
            ("state", str, "invited, pending, approved, declined, cancelled or revoked."),
            ("products", list[str], "Products of the app that the school has."),
            ("scopes", list[str], "Scopes in force now, by name; none unless the consent is approved."),
            ("missing", list[str], "Required scopes that are not in force."),
            ("epoch", int, "Rises with every change of this consent."),
            ("expiresAt", DateTime | None, "When the consent ends by itself."),
            ("revokedAt", DateTime | None, "When it was revoked."),
            ("revokeReason", str | None, "Why it was revoked, if the school said so."),
        ),
    ),
    (
        "App",
        "The app that the token belongs to.",
        (
            ("id", strawberry.ID, "The app's id."),
            ("slug", str, "The app's short name."),
            ("name", str, "The app's name."),
            ("vendor", str, "The company that makes it."),
            ("manifestVersion", int, "Version of the manifest in force."),
            ("consents", "list[Consent]", "Its consents, ordered by school id."),
        ),
    ),
    ("Viewer", "Who is asking.", (("app", "App | None", "The calling app."),)),
)


def rule_text(rule: Alternatives, enough: str = "a valid app token") -> str:
    """The rule in words, as introspection and GraphiQL show it. `enough`: what opens a field without a scope."""
    if not rule:
        return f"Scope: none, {enough} is enough"
    lists = [" and ".join(f"`{scope}`" for scope in scopes) for scopes in rule]
    return f"Scope: {', or '.join(lists)}"


def build_schema(extensions: Extensions = ()) -> strawberry.Schema:
    """A fresh schema with these Strawberry extensions."""
    return ApiBuilder(REGISTRY).build(extensions)


def sdl() -> str:
    """The published SDL."""
    return build_schema().as_str() + "\n"
