"""One statement for the common request on PostgreSQL: freshness and data together.

The data stand inside `CASE WHEN the version is the one we guessed`, so that when it moved they were never read. The
guess is the standing that the token last had at the school; a wrong one costs a second run, never a stale answer.
"""

from collections.abc import Sequence

from authz.grants import Standing, freshness, freshness_of_school
from resolvers.asking import Ask, Flow
from resolvers.documents import Values
from resolvers.flow import Run
from resolvers.gate import Gate
from resolvers.operation import OperationPlan, Root
from resolvers.prepare import Prepared
from schema.ids import school_of


def optimistic(gate: Gate, plan: OperationPlan, values: Values, token_hash: str | None) -> Flow | None:
    """A flow that asks once, or None where the operation or the guess does not allow it.

    The flow's value is the answer, or None when the guess was wrong.
    """
    if token_hash is None or len(plan.data_roots) != 1 or plan.executed:
        return None
    root = plan.data_roots[0]
    if root.name not in ("school", "node"):
        return None
    run = Run(gate, plan, values, token_hash)
    ids = root.ids(values)
    school_id = school_of(ids[0]) if len(ids) == 1 else None
    guess = gate.guesses.get(token_hash, school_id) if school_id is not None else None
    if guess is None:
        return None
    run.caller.assume(guess)
    return _flow(run, root, guess)


def _flow(run: Run, root: Root, guess: Standing) -> Flow:
    prepared: Prepared = yield from run.prepare(root)
    if prepared.failed is not None or len(prepared.groups) != 1 or _pages_have_cursors(run):
        return None
    group = next(iter(prepared.groups.values()))
    type_name, wanted = next(iter(group.types.items()))
    children = root.selected.children.get(type_name, ())
    program = run.reader.program(root, group, root.selected.index, type_name, children, many=False)
    if program.slots:
        return None
    data = run.reader.bound(program.main, guess.school_id, wanted)
    rows = yield Ask(guarded(run.gate, program.main.sql, len(data)), [*data, *_guard_values(run, guess)])
    if not rows or not guess.holds(freshness(rows[0])):
        return None
    text: str | None = rows[0][6]
    texts = yield from run.reader.filled(program, {wanted[0]: text.encode()} if text is not None else {})
    return run.assemble({root.key: run.answer_of(prepared, texts)})


def _pages_have_cursors(run: Run) -> bool:
    return any(page.after is not None or page.before is not None for page in run.preparer.pages.values())


def _guard_values(run: Run, guess: Standing) -> Sequence[object]:
    return (guess.school_id, run.caller.token_hash, guess.consent_id, guess.version, guess.valid_until)


def guarded(gate: Gate, data_sql: str, parameters: int) -> str:
    """The statement: a freshness CTE, and the data that are read only if it says what was guessed."""
    known = gate.guarded.get(data_sql)
    if known is None:
        pieces = freshness_of_school(gate.dialect).split("?")
        numbered = "".join(
            piece + (f"${parameters + 1 + index}" if index < len(pieces) - 1 else "")
            for index, piece in enumerate(pieces)
        )
        consent, version, until = (f"${parameters + number}" for number in (3, 4, 5))
        known = (
            f"WITH f(token_id, app_id, now, school_id, consent_id, version) AS MATERIALIZED ({numbered}) "
            f"SELECT f.*, CASE WHEN f.consent_id = {consent} AND f.version = {version}::bigint "
            f"AND ({until}::text IS NULL OR f.now < {until}::text) "
            f"THEN (SELECT d.j FROM ({data_sql}) d(id, j)) END FROM f"
        )
        gate.guarded.put(data_sql, known)
    return known
