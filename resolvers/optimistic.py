"""One statement for the common request: freshness and data together, which is a snapshot without a transaction.

The data are a subselect of the one row that says that the guess holds: there is none when the version has moved, and
the data were never read. The guess is the standing that the token last had at the school; a wrong one costs a second
run, never a stale answer.
"""

from authz.grants import Standing, standing_in_force
from resolvers.asking import Ask, Flow, RootAnswer
from resolvers.flow import Run
from resolvers.gate import Gate
from resolvers.operation import OperationPlan, Root
from resolvers.pages import Values
from resolvers.prepare import Prepared
from resolvers.shortcuts import Shortcut, encoded
from schema.ids import school_of

DATA = b"\0"  # where the data stand; no JSON text holds it


def optimistic(gate: Gate, plan: OperationPlan, values: Values, token_hash: str | None) -> Flow | None:
    """A flow that asks once, or None where the operation or the guess does not allow it.

    The flow's value is the answer, or None when the guess was wrong.
    """
    if token_hash is None or len(plan.data_roots) != 1 or plan.executed:
        return None
    root = plan.data_roots[0]
    if root.name not in ("school", "node"):
        return None
    [record_id] = root.ids(values)
    school_id = school_of(record_id)
    guess = gate.guesses.get((token_hash, school_id)) if school_id is not None else None
    if guess is None:
        return None
    key = (guess, record_id[:3], *root.page_values(values))
    shortcut = root.shortcuts.get(key)
    if shortcut is not None:
        return shortcut.flow(record_id, token_hash)
    run = Run(gate, plan, values, token_hash)
    run.caller.assume(guess)
    return _flow(run, root, guess, key)


def _flow(run: Run, root: Root, guess: Standing, key: tuple[object, ...]) -> Flow:
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
    expires = guess.valid_until is not None
    sql = guarded(run.gate, program.main.sql, len(data), expires=expires)
    parameters = [*data, guess.school_id, run.caller.token_hash, guess.consent_id, guess.version]
    parameters += [guess.valid_until] if expires else []
    rows = yield Ask(sql, parameters)
    if not rows:
        return None
    if program.is_whole:  # what Python puts in would have to be put in anew
        before, after = run.assemble({root.key: RootAnswer(DATA, prepared.denials)}).split(DATA)
        id_at = program.main.binds.index(("ids", None))
        root.shortcuts.put(key, Shortcut(sql, parameters, id_at, len(data) + 1, before, after))
    text = rows[0][0]
    texts = yield from run.reader.filled(program, {wanted[0]: encoded(text)} if text is not None else {})
    return run.assemble({root.key: run.answer_of(prepared, texts)})


def _pages_have_cursors(run: Run) -> bool:
    return any(page.after is not None or page.before is not None for page in run.preparer.pages.values())


def guarded(gate: Gate, data_sql: str, parameters: int, *, expires: bool) -> str:
    """The statement: the data in one row, read only if the standing is still in force."""
    key = (data_sql, expires)
    known = gate.guarded.get(key)
    if known is None:
        mark = "?" if gate.dialect.is_sqlite else "$"
        first, *pieces = standing_in_force(gate.dialect, expires=expires).split("?")
        guard = first + "".join(f"{mark}{parameters + number}{piece}" for number, piece in enumerate(pieces, start=1))
        known = f"SELECT (SELECT d.j FROM ({data_sql}) d) {guard}"
        gate.guarded.put(key, known)
    return known
