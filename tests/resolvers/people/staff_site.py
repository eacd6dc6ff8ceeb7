"""A school with an administrator behind an engine, and the operations that administrators send."""

import json
from typing import Any

from authz import staff
from authz.audit import Actor
from authz.bearer import token_hash
from resolvers.engine import Engine, Request
from server.database import Database
from tests.families import Families

OPERATOR = Actor("operator")

EXPLANATION = """
  link { id studentId studentName contactId contactName relationship } permission reason source
  rungs { reason holds decided permission facts { name value } }
  override { id value setBy setByPosition setAt note origin confirmedAt confirmedBy clearedAt clearedBy }
  maskedBy overrideToReview history { id value clearedBy } flags { code text } defaultsVersion todaysVersion"""
SETTINGS = """source courtOrderAlwaysDenies confirmMaskedOverrides accessForLeavers accessForApplicants
  acceptAssumedPriorities defaultsVersion defaults { relationship permission }
  capabilities { attribute state source asOf doubtful }"""
SIDE = "{ count byReason { before after count } links { link { id } before { permission reason } after { reason } } }"

EXPLAIN = f"query($id: ID!) {{ explainContactAccess(linkId: $id) {{ {EXPLANATION} }} }}"
WARN = """query($school: ID!, $first: Int! = 50, $after: ID) {
  accessWarnings(schoolId: $school, first: $first, after: $after) {
    counts { code count } warnings { code text link { id contactName } answer { permission reason } }
  endCursor hasNextPage } }"""
READ = f"query($school: ID!) {{ contactAccess(schoolId: $school) {{ {SETTINGS} }} }}"
PREVIEW = f"""query($school: ID!, $source: ContactAccessSource, $always: Boolean, $defaults: Boolean! = false) {{
  previewContactAccess(schoolId: $school, source: $source, courtOrderAlwaysDenies: $always,
                       applyTodaysDefaults: $defaults) {{ links gains {SIDE} loses {SIDE} }} }}"""
SET = f"""mutation($id: ID!, $to: ContactPermission!, $note: String) {{
  setContactAccess(linkId: $id, permission: $to, note: $note) {{ {EXPLANATION} }} }}"""
CONFIRM = f"mutation($id: ID!) {{ confirmContactAccess(linkId: $id) {{ {EXPLANATION} }} }}"
CLEAR = f"mutation($id: ID!) {{ clearContactAccess(linkId: $id) {{ {EXPLANATION} }} }}"
BULK = f"""mutation($school: ID!, $filter: ContactAccessFilter!, $to: ContactPermission!, $dry: Boolean! = true) {{
  bulkSetContactAccess(schoolId: $school, filter: $filter, permission: $to, dryRun: $dry)
  {{ count done links {{ link {{ id }} }} gains {SIDE} loses {SIDE} }} }}"""
CHANGE = f"""mutation($school: ID!, $source: ContactAccessSource, $always: Boolean,
                     $names: [ContactAccessAttribute!]! = []) {{
  changeContactAccess(schoolId: $school, source: $source, courtOrderAlwaysDenies: $always, acknowledge: $names)
  {{ {SETTINGS} }} }}"""
DEFAULTS = f"""mutation($school: ID!, $to: [ContactAccessDefaultInput!]!) {{
  setDefaultContactPermissions(schoolId: $school, permissions: $to) {{ {SETTINGS} }} }}"""
APPLY = f"""mutation($school: ID!, $dry: Boolean! = true) {{
  applyTodaysDefaults(schoolId: $school, dryRun: $dry) {{ version done links gains {SIDE} loses {SIDE} }} }}"""


class Site(Families):
    """A school with an administrator, and an engine."""

    def __init__(self, database: Database, engine: Engine, seed: str = "families") -> None:
        super().__init__(database, seed)
        self.engine = engine
        self.token: str | None = None

    async def staffed(self) -> "Site":
        await self.begin()
        async with self.database.write() as session:
            issued = await staff.issue(session, self.school, name="A. Head", position="Head teacher", by=OPERATOR)
        self.token, self.token_id = issued.secret, issued.id
        return self

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        hashed = token_hash(self.token) if self.token is not None else None
        answer = await self.engine.execute(Request(query, None, variables, hashed))
        body: dict[str, Any] = json.loads(answer.body)
        return body

    async def data(self, query: str, **variables: Any) -> Any:
        body = await self.ask(query, **variables)
        assert "errors" not in body, body["errors"]
        [value] = body["data"].values()
        return value

    async def code(self, query: str, **variables: Any) -> str:
        """The code of the only error; a root that was answered with it is null."""
        body = await self.ask(query, **variables)
        assert set((body.get("data") or {"": None}).values()) == {None}
        [error] = body["errors"]
        return str(error["extensions"]["code"])

    async def new_link(self, relationship: str, **facts: Any) -> str:
        facts = {"first_relationship_key": relationship.casefold(), **facts}
        return await self.link(await self.student(), await self.contact(), relationship, **facts)

    async def actors(self) -> list[tuple[str, str, str | None]]:
        return [
            (name, actor, position)
            for name, actor, position in await self.rows(
                "SELECT name, actor, actor_position FROM audit_event WHERE school_id = ? ORDER BY seq", self.school
            )
            if not name.startswith("staff_")
        ]
