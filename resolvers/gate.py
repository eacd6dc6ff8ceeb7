"""What every request shares: schema, rules, documents, standings, keys. Made once per process and passed in.

Nothing in it decides anything by itself: a standing counts only after the request's own snapshot has confirmed its
version.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

import strawberry
from graphql import GraphQLSchema

from authz.grants import Standing, consent_in_force, freshness_of_page
from authz.rules import rules_of
from authz.session import Dialect
from resolvers.bounded import Bounded
from resolvers.cursors import CursorKeys
from resolvers.documents import Documents
from resolvers.limits import Limits
from resolvers.pages import Page
from resolvers.writer import Writer, writer_for
from schema.fields import Alternatives
from schema.registry import REGISTRY, Registry

MAX_STANDINGS = 20_000
MAX_GUARDED = 2_000


class Standings:
    """What consent versions mean. Never asked without a freshness row.

    Equal sets of scopes are one object: thousands of schools grant the same, and programs are looked up by them.
    """

    def __init__(self) -> None:
        self._known: Bounded[str, Standing] = Bounded(MAX_STANDINGS)
        self._scopes: dict[frozenset[str], frozenset[str]] = {}
        self._asked: dict[frozenset[tuple[str, str]], Mapping[str, str]] = {}

    def get(self, consent_id: str | None) -> Standing | None:
        """The last known standing of a consent."""
        return self._known.get(consent_id) if consent_id is not None else None

    def put(self, standing: Standing) -> Standing:
        """Remember a standing; the one returned shares its sets with others."""
        if len(self._scopes) > MAX_STANDINGS:
            self._scopes.clear()
        if len(self._asked) > MAX_STANDINGS:
            self._asked.clear()
        scopes = self._scopes.setdefault(standing.scopes, standing.scopes)
        asked = self._asked.setdefault(frozenset(standing.asked.items()), standing.asked)
        standing = replace(standing, scopes=scopes, asked=asked)
        self._known.put(standing.consent_id, standing)
        return standing


class Gate:
    """The shared state of one process for one database."""

    def __init__(
        self,
        schema: strawberry.Schema,
        dialect: Dialect,
        keys: CursorKeys,
        *,
        limits: Limits | None = None,
        base_url: str = "http://127.0.0.1:8000",
        plan_cache_bytes: int = 64_000_000,
        registry: Registry = REGISTRY,
        public_schema: bool = True,
    ) -> None:
        self.schema = schema
        self.graphql_schema: GraphQLSchema = schema._schema
        self.rules: Mapping[str, Alternatives] = rules_of(schema)
        self.registry = registry
        self.dialect = dialect
        self.writer: Writer = writer_for(dialect)
        self.keys = keys
        self.limits = limits or Limits()
        self.base_url = base_url
        self.public_schema = public_schema
        self.documents = Documents(self.graphql_schema, self.limits, plan_cache_bytes)
        self.standings = Standings()
        # Which standing a token last had at a school: where the single statement starts from, never more.
        self.guesses: Bounded[tuple[str, str], Standing] = Bounded(MAX_STANDINGS)
        # The single statement for a data part, without and with a moment of expiry.
        self.guarded: Bounded[tuple[str, bool], str] = Bounded(MAX_GUARDED)
        self.sql: Callable[[Callable[[Dialect], str]], str] = lru_cache(maxsize=64)(self._sql)
        self._pages: dict[tuple[bool, bool, bool], str] = {}

    def _sql(self, make: Callable[[Dialect], str]) -> str:
        return self.dialect.sql(make(self.dialect))

    def page_sql(self, page: Page) -> str:
        """The statement that reads one page of the caller's consents in force."""
        statement = self._pages.get(page.shape)
        if statement is None:
            backwards, after, before = page.shape
            text = freshness_of_page(self.dialect, after=after, before=before, backwards=backwards)
            statement = self._pages[page.shape] = self.dialect.sql(text)
        return statement

    def count_sql(self) -> str:
        """How many consents an app has in force."""
        return self.dialect.sql(
            f"SELECT count(*) FROM consent c WHERE c.app_id = ? AND {consent_in_force(self.dialect)}"
        )

    def beyond_sql(self, *, backwards: bool) -> str:
        """Whether a consented school stands before or after a school id."""
        sign = "<" if backwards else ">"
        return self.dialect.sql(
            f"SELECT 1 FROM consent c WHERE c.app_id = ? AND c.school_id {sign} ? "
            f"AND {consent_in_force(self.dialect)} LIMIT 1"
        )
