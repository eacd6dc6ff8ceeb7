"""Documents: parsed and validated once, then kept with their plans, bounded by bytes.

A document of a caller without a valid token is never kept. What is kept is keyed by the document's text; a plan below
it by the operation and by everything in the variables that changes its shape.
"""

from collections import OrderedDict
from collections.abc import Mapping
from enum import Enum
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    VariableDefinitionNode,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.language import ListTypeNode, NamedTypeNode, NonNullTypeNode, TypeNode, VariableNode, Visitor, visit

from authz.selection import place_of
from resolvers.limits import Limits, check_document
from resolvers.operation import ROOT_TYPES, OperationPlan
from resolvers.pages import Values
from schema.errors import FieldgateError
from schema.registry import FILTERS

_PLAIN = {"ID": str, "String": str, "Int": int, "Boolean": bool}
MISSING = object()
FILTER_ARGUMENTS = frozenset(argument for filters in FILTERS.values() for argument in filters)


class RequestRefused(Exception):
    """A request that is refused before anything is read: GraphQL errors and no data."""

    def __init__(self, code: str, errors: list[dict[str, Any]]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


def refusal(error: FieldgateError) -> RequestRefused:
    """The refusal of a whole request for one reason."""
    return RequestRefused(error.code, [{"message": error.message, "extensions": error.extensions()}])


class _Uses(Visitor):
    """Finds the variables that change a plan's shape: conditions, filters, and the presence of page arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.conditions: set[str] = set()
        self.pages: set[str] = set()
        self.filters: set[str] = set()

    def enter_directive(self, node: Any, *_: Any) -> None:
        if node.name.value in ("include", "skip"):
            self.conditions |= {
                given.value.name.value for given in node.arguments if isinstance(given.value, VariableNode)
            }

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        for given in node.arguments or ():
            if given.name.value in ("first", "last", "after", "before") and isinstance(given.value, VariableNode):
                self.pages.add(given.value.name.value)
            elif given.name.value in FILTER_ARGUMENTS and isinstance(given.value, VariableNode):
                self.filters.add(given.value.name.value)


class Operation:
    """One operation of a document, with its plans by shape."""

    def __init__(
        self,
        schema: GraphQLSchema,
        node: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        uses: _Uses,
    ) -> None:
        self.schema = schema
        self.node = node
        self.fragments = fragments
        # Only what this operation declares as fit for them: another operation's variable may have the same name.
        declared = {each.variable.name.value: _type_name(each.type) for each in node.variable_definitions or ()}
        self.conditions = sorted(name for name in uses.conditions if declared.get(name) == "Boolean")
        self.pages = sorted(name for name in uses.pages if declared.get(name) in ("Int", "String", "ID"))
        self.filters = sorted(name for name in uses.filters if name in declared)
        self.plain = _plain_variables(node)
        # A default lets a nullable variable stand in a condition, which cannot be null all the same.
        self.never_null = [
            definition
            for definition in node.variable_definitions or ()
            if definition.default_value is not None and definition.variable.name.value in self.conditions
        ]
        self.plans: dict[tuple[object, ...], OperationPlan] = {}

    def values(self, given: Mapping[str, Any]) -> Values:
        """The coerced variables; raises BAD_VARIABLES without repeating a value."""
        if self.plain is not None:
            quick = _quick_values(self.plain, given)
            if quick is not None:
                return quick
        coerced = get_variable_values(
            self.schema, self.node.variable_definitions or (), dict(given), max_errors=10, hide_suggestions=True
        )
        if isinstance(coerced, list):
            raise RequestRefused("BAD_VARIABLES", [self._bad_variable(error) for error in coerced])
        values: Values = plain(coerced.coerced)
        for definition in self.never_null:
            if values.get(definition.variable.name.value) is None:
                raise RequestRefused("BAD_VARIABLES", [_bad_value(definition)])
        return values

    def _bad_variable(self, error: GraphQLError) -> dict[str, Any]:
        for definition in self.node.variable_definitions or ():
            name = definition.variable.name.value
            if f"'${name}'" in error.message or f'"${name}"' in error.message:
                return _bad_value(definition)
        text = "The variables are not of the types that the operation declares."
        return {"message": text, "extensions": FieldgateError("BAD_VARIABLES", text).extensions()}

    def plan(self, values: Values) -> OperationPlan:
        """The plan for the shape of these variables."""
        shape = (
            *(values.get(name) for name in self.conditions),
            *(values.get(name) is not None for name in self.pages),
            *(str(values.get(name)) for name in self.filters),
        )
        plan = self.plans.get(shape)
        if plan is None:
            if len(self.plans) >= MAX_SHAPES:
                self.plans.clear()
            plan = self.plans[shape] = OperationPlan(self.schema, self.node, self.fragments, values)
        return plan


def plain(value: Any) -> Any:
    """Coerced values as a request gives them: members of enums by their names."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def _type_name(node: TypeNode) -> str | None:
    """The named type of a variable that is no list."""
    inner = node.type if isinstance(node, NonNullTypeNode) else node
    return inner.name.value if isinstance(inner, NamedTypeNode) else None


MAX_SHAPES = 64
LONGEST_MESSAGE = 1_000  # graphql-core repeats a value, which may be as long as the document
SHRINK_EVERY = 1_000


def _bad_value(definition: VariableDefinitionNode) -> dict[str, Any]:
    text = f"Variable `${definition.variable.name.value}` has not a value of the type that the operation declares."
    entry: dict[str, Any] = {"message": text}
    if (place := place_of(definition)) is not None:
        entry["locations"] = [place]
    return {**entry, "extensions": FieldgateError("BAD_VARIABLES", text).extensions()}


class Document:
    """A validated document and its operations."""

    def __init__(self, schema: GraphQLSchema, text: str, node: DocumentNode) -> None:
        self.text = text
        self.node = node
        fragments = {each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)}
        uses = _Uses()
        visit(node, uses)  # once for all operations: a document may have thousands
        self.operations = {
            (each.name.value if each.name else None): Operation(schema, each, fragments, uses)
            for each in node.definitions
            if isinstance(each, OperationDefinitionNode)
        }

    @property
    def size(self) -> int:
        """Roughly the bytes that keeping it costs: text, tree and compiled SQL."""
        return 40 * len(self.text) + sum(
            plan.size for operation in self.operations.values() for plan in operation.plans.values()
        )

    def operation(self, name: str | None) -> Operation:
        """The operation to run; raises OPERATION_NOT_FOUND or UNSUPPORTED_OPERATION."""
        if name is None and len(self.operations) == 1:
            found: Operation | None = next(iter(self.operations.values()))
        else:
            found = self.operations.get(name) if name is not None else None
        if found is None:
            text = (
                "The document has several operations; name the one to run."
                if name is None
                else "The document has no operation of that name."
            )
            raise refusal(FieldgateError("OPERATION_NOT_FOUND", text))
        if found.node.operation not in ROOT_TYPES:
            raise refusal(
                FieldgateError("UNSUPPORTED_OPERATION", f"This schema has no {found.node.operation.value} operations.")
            )
        return found


class Documents:
    """The documents kept, least recently used out first, bounded by bytes."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, max_bytes: int) -> None:
        self.schema = schema
        self.limits = limits
        self.max_bytes = max_bytes
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._asked = 0

    def get(self, text: str) -> Document:
        """The document, kept or fresh; raises RequestRefused."""
        kept = self._kept.get(text)
        self._asked += 1
        if self._asked % SHRINK_EVERY == 0:  # kept documents grow too, by a program for each set of scopes
            self._shrink()
        if kept is not None:
            self._kept.move_to_end(text)
            return kept
        return self._read(text)

    def keep(self, document: Document) -> None:
        """Keep a document that a caller with a valid token sent."""
        if document.text in self._kept:
            return
        self._kept[document.text] = document
        if len(self._kept) % 16 == 1:
            self._shrink()

    def _shrink(self) -> None:
        total = sum(document.size for document in self._kept.values())
        while total > self.max_bytes and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            total -= dropped.size

    def _read(self, text: str) -> Document:
        try:
            node = parse(text, max_tokens=self.limits.tokens)
        except GraphQLSyntaxError as error:
            if "tokens" in error.message:
                raise refusal(
                    FieldgateError("QUERY_TOO_LARGE", f"The document has more than {self.limits.tokens} tokens.")
                ) from error
            raise RequestRefused("GRAPHQL_PARSE_FAILED", [_graphql_entry(error, "GRAPHQL_PARSE_FAILED")]) from error
        except GraphQLError as error:
            raise RequestRefused("GRAPHQL_PARSE_FAILED", [_graphql_entry(error, "GRAPHQL_PARSE_FAILED")]) from error
        try:
            check_document(node, self.limits)
        except FieldgateError as error:
            raise refusal(error) from error
        errors = validate(self.schema, node, max_errors=20, hide_suggestions=True)
        if errors:
            raise RequestRefused(
                "GRAPHQL_VALIDATION_FAILED",
                [_graphql_entry(error, "GRAPHQL_VALIDATION_FAILED") for error in errors],
            )
        return Document(self.schema, text, node)


def places(error: GraphQLError) -> list[dict[str, int]]:
    """Line and column of each place that an error names."""
    return [{"line": each.line, "column": each.column} for each in error.locations or ()]


def _graphql_entry(error: GraphQLError, code: str) -> dict[str, Any]:
    text = error.message
    if error.original_error is not None:  # what Python says about a value is for nobody outside
        text = "A value in the document is not of the type expected there."
    elif len(text) > LONGEST_MESSAGE:
        text = f"{text[:LONGEST_MESSAGE]}…"
    entry: dict[str, Any] = {"message": text}
    if error.locations:
        entry["locations"] = places(error)
    entry["extensions"] = FieldgateError(code, text).extensions()
    return entry


def _plain_variables(node: OperationDefinitionNode) -> list[tuple[str, type, bool, bool]] | None:
    """(name, Python type, required, list) of each variable where all are plain and without defaults; else None."""
    plain: list[tuple[str, type, bool, bool]] = []
    for definition in node.variable_definitions or ():
        if definition.default_value is not None:
            return None
        kind: TypeNode = definition.type
        required = isinstance(kind, NonNullTypeNode)
        inner = kind.type if isinstance(kind, NonNullTypeNode) else kind
        is_list = isinstance(inner, ListTypeNode)
        if isinstance(inner, ListTypeNode):
            inner = inner.type.type if isinstance(inner.type, NonNullTypeNode) else inner.type
        if not isinstance(inner, NamedTypeNode) or inner.name.value not in _PLAIN:
            return None
        plain.append((definition.variable.name.value, _PLAIN[inner.name.value], required, is_list))
    return plain


def _quick_values(plain: list[tuple[str, type, bool, bool]], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Values that need no coercion; None when anything is unusual, so that graphql-core decides."""
    values: dict[str, Any] = {}
    for name, kind, required, is_list in plain:
        value = given.get(name, MISSING)
        if value is MISSING or value is None:
            if required:
                return None
            if value is None:
                values[name] = None
            continue
        if is_list:
            if type(value) is not list or not all(type(item) is kind for item in value):
                return None
        elif type(value) is not kind:
            return None
        if kind is int and (is_list or not -(2**31) <= value < 2**31):
            return None
        values[name] = value
    return values
