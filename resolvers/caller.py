"""Who asks, and what the schools it names have granted it: read in the run's own snapshot, before anything else."""

from collections.abc import Iterable, Sequence

import orjson

from authz.grants import (
    Freshness,
    Standing,
    freshness,
    freshness_of_school,
    freshness_of_schools,
    standing,
    standing_parameters,
    standing_statement,
)
from authz.session import Dialect, Row
from resolvers.asking import Ask, Flow
from resolvers.conditions import KNOWN
from resolvers.cursors import CursorPlace
from resolvers.documents import RequestRefused, refusal
from resolvers.gate import Gate
from schema.errors import FieldgateError
from schema.ids import school_of

NEEDS_CREDENTIAL = "This needs a token that is valid now; an app's for an app's fields."


def unauthenticated() -> RequestRefused:
    """The refusal of a caller without a token that is valid now."""
    return refusal(FieldgateError("UNAUTHENTICATED", NEEDS_CREDENTIAL))


def known_token(dialect: Dialect, token_hash: str) -> Flow:
    """Whether the token is anybody's now: an app's, a member of staff's or a contact's."""
    now = dialect.now
    tables = {"app_token": "revoked_at", "staff_token": "revoked_at", "contact_session": "ended_at"}
    statement = " UNION ALL ".join(
        f"SELECT 1 FROM {table} WHERE hash = ? AND {ended} IS NULL AND coalesce(expires_at > {now}, TRUE)"
        for table, ended in tables.items()
    )
    rows = yield Ask(dialect.sql(statement), (token_hash,) * len(tables))
    return bool(rows)


class Caller:
    """A credential in one snapshot. `standings`: what each school named so far grants it, by school id."""

    def __init__(self, gate: Gate, token_hash: str | None) -> None:
        self.gate = gate
        self.token_hash = token_hash
        self.app_id = ""
        self.standings: dict[str, Standing] = {}

    def assume(self, guess: Standing) -> None:
        """Go on from a guess that the statement itself will check."""
        self.app_id = guess.app_id
        self.standings[guess.school_id] = guess

    def authenticate(self, ids: Iterable[str]) -> Flow:
        """The token, and the consents of all schools that these ids name; raises the refusal UNAUTHENTICATED."""
        if self.token_hash is None:
            raise unauthenticated()
        wanted = list(dict.fromkeys(school for school in map(school_of, ids) if school is not None))
        if len(wanted) == 1:
            rows = yield Ask(self.gate.sql(freshness_of_school), (wanted[0], self.token_hash))
        else:
            schools = orjson.dumps(wanted).decode() if self.gate.dialect.is_sqlite else wanted
            rows = yield Ask(self.gate.sql(freshness_of_schools), (schools, self.token_hash))
        yield from self.remember(rows)

    def remember(self, rows: Sequence[Row]) -> Flow:
        """Take freshness rows; read the grants of every consent whose version is not known."""
        if not rows:
            raise unauthenticated()
        self.app_id = rows[0][1]
        for row in rows:
            fresh = freshness(row)
            if fresh.school_id is not None:
                yield from self._standing(fresh, fresh.school_id)

    def _standing(self, fresh: Freshness, school_id: str) -> Flow:
        known = self.gate.standings.get(fresh.consent_id)
        if known is None or not known.holds(fresh):
            rows = yield Ask(self.gate.sql(standing_statement), standing_parameters(school_id, fresh.app_id))
            known = self.gate.standings.put(standing(fresh, rows))
        if not KNOWN.issuperset(known.row_conditions):
            return  # a condition that this version cannot apply closes the consent
        self.standings[school_id] = known
        if self.token_hash is not None:
            self.gate.guesses.put((self.token_hash, school_id), known)

    def place(self, coordinate: str, parent_id: str) -> CursorPlace:
        """Where a cursor of this list belongs; the list of schools has no parent."""
        school_id = school_of(parent_id) or ""
        known = self.standings.get(school_id)
        return CursorPlace(self.app_id, school_id, coordinate, parent_id, known.version if known else 0)
