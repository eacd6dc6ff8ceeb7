"""The life of a request, as one generator: authenticate → grants → plan → rows → bytes."""

from collections.abc import Mapping

import orjson

from resolvers.asking import Flow, RootAnswer
from resolvers.caller import Caller, unauthenticated
from resolvers.documents import RequestRefused, refusal
from resolvers.executed import execute_roots
from resolvers.gate import Gate
from resolvers.operation import OperationPlan, Root
from resolvers.pages import Values
from resolvers.prepare import Prepared, Preparer
from resolvers.records import RecordReader, Texts
from resolvers.school_list import read_schools
from schema.errors import FieldgateError


def asks(gate: Gate, plan: OperationPlan) -> bool:
    """Whether a run needs a row of the database: introspection of a public schema does not."""
    return plan.needs_token or not gate.public_schema


def check(gate: Gate, plan: OperationPlan, token_hash: str | None, estimate: int) -> None:
    """Refuse, before a connection is taken, what is too costly and whom nobody can know."""
    if token_hash is None and asks(gate, plan) and not plan.people_roots:
        raise unauthenticated()
    most = gate.limits.cost
    if estimate > most:
        text = f"The operation's estimated cost is {estimate}; {most} is allowed."
        raise refusal(FieldgateError("QUERY_TOO_COSTLY", text, cost=estimate, limit=most))


class Run:
    """One operation's run for one credential."""

    def __init__(self, gate: Gate, plan: OperationPlan, values: Values, token_hash: str | None) -> None:
        self.gate = gate
        self.plan = plan
        self.values = values
        self.caller = Caller(gate, token_hash)
        self.preparer = Preparer(self.caller, values)
        self.reader = RecordReader(self.caller, self.preparer.pages)

    def answer(self, *, reject: bool) -> Flow:
        """The bytes of the answer. `reject`: refuse the whole operation when anything in it is denied."""
        if asks(self.gate, self.plan):
            yield from self.authenticate()
        prepared: list[Prepared] = []
        for root in self.plan.data_roots:
            prepared += [(yield from self.prepare(root))]
        if reject:
            _reject(prepared)
        answers: dict[str, RootAnswer] = {}
        for one in prepared:
            answers[one.root.key] = yield from self.read(one)
        if self.plan.executed:
            answers |= yield from execute_roots(self.gate, self.plan, self.values, self.caller.app_id)
        return self.assemble(answers)

    def answer_without_rows(self) -> bytes:
        """The answer of a run that asks for nothing."""
        try:
            next(self.answer(reject=False))
        except StopIteration as done:
            made: bytes = done.value
            return made
        raise RuntimeError("a run that asks for nothing has asked")

    def authenticate(self) -> Flow:
        """The token, and the consents of all schools that the operation names."""
        ids = [each for root in self.plan.data_roots for each in root.ids(self.values)]
        yield from self.caller.authenticate(ids)

    def prepare(self, root: Root) -> Flow:
        """Decide a root; nothing of the MIS is read."""
        return (yield from self.preparer.prepare(root))

    def read(self, prepared: Prepared) -> Flow:
        """Read a root's records and make its part of the answer."""
        root = prepared.root
        if prepared.failed is not None:
            return RootAnswer(b"null", prepared.failed)
        if root.name == "schools":
            return (yield from read_schools(self.reader, prepared))
        texts: Texts = {}
        for group in prepared.groups.values():
            for type_name in group.types:
                children = root.selected.children.get(type_name, ())
                texts |= yield from self.reader.read(root, group, root.selected.index, type_name, children)
        return self.answer_of(prepared, texts)

    @staticmethod
    def answer_of(prepared: Prepared, texts: Texts) -> RootAnswer:
        """A root's part of the answer, from its records' texts."""
        if prepared.root.name == "nodes":
            data = b"[" + b",".join(texts.get(each, b"null") for each in prepared.ids) + b"]"
        else:
            data = texts.get(prepared.ids[0], b"null")
        return RootAnswer(data, prepared.denials)

    def assemble(self, answers: Mapping[str, RootAnswer]) -> bytes:
        """The answer's bytes from its roots'; `__typename` is the one root that needs none."""
        parts = [b'{"data":{']  # joined once, because each copy of a large answer costs
        errors: list[bytes] = []
        for root in self.plan.roots:
            one = answers.get(root.key)
            comma = "," if len(parts) > 1 else ""
            parts += f'{comma}"{root.key}":'.encode(), one.data if one else b'"%s"' % root.selected.type_name.encode()
            if one:
                errors += one.errors
        parts += (b'},"errors":[', b",".join(errors), b"]}") if errors else (b"}}",)
        return b"".join(parts)


def _reject(prepared: list[Prepared]) -> None:
    entries = [entry for one in prepared for entry in one.denials]
    if entries:
        count = "1 field is" if len(entries) == 1 else f"{len(entries)} fields are"
        whole = FieldgateError("OPERATION_REJECTED", f"The operation was refused: {count} not granted.")
        first = {"message": whole.message, "extensions": whole.extensions()}
        raise RequestRefused("OPERATION_REJECTED", [first, *(orjson.loads(entry) for entry in entries)])
