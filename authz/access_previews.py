"""Who would gain and who would lose access, by reason, if links were answered in another way. It changes nothing.

Both answers of every link come from one statement, so that a preview never mixes two moments. Counts are of all links,
lists are bounded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authz.access import EVERY_SCOPE, LINK, links_sql
from authz.contact_access import AccessSettings, default_of_version_sql, permission_sql, reason_sql
from authz.session import Dialect, ReadSession
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE

LISTED = 200
"""Links that a preview names on each side, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as staff know it. Names are null where the MIS gives none or the person is gone."""

    id: str
    student_id: str | None
    student_name: str | None
    contact_id: str | None
    contact_name: str | None
    relationship: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A permission and its real reason: never shown to an app."""

    permission: str
    reason: str


@dataclass(frozen=True, slots=True)
class LinkChange:
    """What becomes of one link's answer."""

    link: LinkView
    before: Answer
    after: Answer


@dataclass(frozen=True, slots=True)
class ReasonChange:
    """How many links go from one reason to another."""

    before: str
    after: str
    count: int


@dataclass(frozen=True, slots=True)
class Side:
    """The links that gain access, or those that lose it; `links` are the first of them."""

    count: int
    by_reason: tuple[ReasonChange, ...]
    links: tuple[LinkChange, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change comes to. `links`: how many it looked at."""

    links: int
    gains: Side
    loses: Side


@dataclass(frozen=True, slots=True)
class Answered:
    """A way to answer links: a school's settings, and the SQL expressions of the facts that differ from the stored."""

    settings: AccessSettings
    facts: Mapping[str, str]

    def sql(self, dialect: Dialect) -> tuple[str, str]:
        """The permission and the reason of a row of `links_sql`."""
        facts = {**LINK.facts(dialect), **self.facts}
        return permission_sql(self.settings, facts), reason_sql(self.settings, facts, EVERY_SCOPE)


def answered(settings: AccessSettings, **facts: str) -> Answered:
    """Links answered under these settings; each fact that is given stands for the stored one."""
    return Answered(settings, facts)


def default_in(version: int) -> str:
    """SQL: the default of the link's present relationship in this version, whichever version the link keeps."""
    return default_of_version_sql(LINK.link, version)


async def read_whole_school(session: ReadSession) -> None:
    """Say to PostgreSQL that this transaction's statements are about whole schools.

    All links join on one school's id. Until a table has been analysed PostgreSQL takes a school for a row or two, and
    compares each link with each student: a minute for 10,000. Hashing them is right for a whole school in any case.
    """
    if not session.dialect.is_sqlite:
        await session.fetch("SELECT set_config('enable_nestloop', 'off', true)")


VIEW_NAMES = "id, student_id, student, contact_id, contact, relationship"


def view_columns() -> str:
    """SQL: the columns of `LinkView` under `VIEW_NAMES`, of a row of `links_sql`."""
    return f"l.id, l.student_id, {_name('s')} AS student, l.contact_id, {_name('c')} AS contact, l.relationship"


def _name(person: str) -> str:
    return f"nullif(trim(coalesce({person}.forename, '') || ' ' || coalesce({person}.surname, '')), '')"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ways to answer the links of a school that meet a condition (` AND …`, with its parameters)."""

    school_id: str
    before: Answered
    after: Answered
    condition: str = ""
    parameters: Sequence[object] = ()

    async def preview(self, session: ReadSession, *, listed: int = LISTED) -> Preview:
        """Who gains and who loses."""
        await read_whole_school(session)
        rows = await session.fetch(
            "SELECT permission_before, permission_after, reason_before, reason_after, count(*) "
            f"FROM ({self._sql(session.dialect, 'l.id')}) compared GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 3, 4",
            self.school_id, *self.parameters,
        )  # fmt: skip
        sides = {}
        for gained, lost in ((VIEW_AND_UPDATE, NO_PERMISSION), (NO_PERMISSION, VIEW_AND_UPDATE)):
            reasons = tuple(
                ReasonChange(row[2], row[3], int(row[4])) for row in rows if tuple(row[:2]) == (lost, gained)
            )
            changed = "WHERE permission_before <> permission_after AND permission_after = ?"
            links = await self._listed(session, changed, gained, limit=listed) if reasons else ()
            sides[gained] = Side(sum(each.count for each in reasons), reasons, links)
        return Preview(sum(int(row[4]) for row in rows), sides[VIEW_AND_UPDATE], sides[NO_PERMISSION])

    async def links(self, session: ReadSession, *, listed: int = LISTED) -> tuple[LinkChange, ...]:
        """The first of all links that meet the condition, whether their answer changes or not."""
        await read_whole_school(session)
        return await self._listed(session, "", limit=listed)

    async def _listed(
        self, session: ReadSession, condition: str, *parameters: object, limit: int
    ) -> tuple[LinkChange, ...]:
        rows = await session.fetch(
            f"SELECT * FROM ({self._sql(session.dialect, view_columns())}) compared {condition} ORDER BY id LIMIT ?",
            self.school_id, *self.parameters, *parameters, limit,
        )  # fmt: skip
        return tuple(LinkChange(LinkView(*row[:6]), Answer(*row[6:8]), Answer(*row[8:10])) for row in rows)

    def _sql(self, dialect: Dialect, columns: str) -> str:
        answers = ", ".join(
            f"{expression} AS {name}_{moment}"
            for moment, way in (("before", self.before), ("after", self.after))
            for name, expression in zip(("permission", "reason"), way.sql(dialect), strict=True)
        )
        return f"SELECT {columns}, {answers} FROM {links_sql()} WHERE l.school_id = ?{self.condition}"
