"""Reads records with compiled programs: runs the statements, fills deeper lists in, seals cursors."""

import re
from collections.abc import Callable, Mapping, Sequence

import orjson

from authz.plan import Planner
from authz.selection import Selected
from resolvers.asking import Ask, Flow
from resolvers.caller import Caller
from resolvers.capabilities import capability_values
from resolvers.compiler import Compiler
from resolvers.conditions import Visible
from resolvers.operation import Root
from resolvers.pages import Page
from resolvers.prepare import Group
from resolvers.program import Program, Statement
from resolvers.shaping import shaped
from resolvers.shortcuts import encoded
from resolvers.writer import CAPABILITY, CURSOR, SLOT

Texts = dict[str, bytes]
"""JSON texts by record id, in UTF-8."""

_SLOT = SLOT.encode()
_CAPABILITY = re.compile(f"{CAPABILITY}(\\d+):([^{CAPABILITY}]*){CAPABILITY}".encode())
_CURSOR = re.compile(f"{CURSOR}(\\d+):([^:]*):([^{CURSOR}]*){CURSOR}".encode())


class RecordReader:
    """Reads the records of prepared roots for one caller."""

    def __init__(self, caller: Caller, pages: Mapping[int, Page]) -> None:
        self.caller = caller
        self.gate = caller.gate
        self.pages = pages

    def program(
        self, root: Root, group: Group, index: int, type_name: str, children: tuple[Selected, ...], *, many: bool
    ) -> Program:
        """The compiled program of one target of a root, for what was decided."""
        key = (index, type_name, many, *group.decided)
        program = root.programs.get(key)
        if program is None:
            scopes, row_conditions, access = group.decided
            visible = Visible(self.gate.dialect, row_conditions)
            planner = Planner(self.gate.rules, scopes)
            compiler = Compiler(self.gate.registry, self.gate.writer, planner, visible, self.pages, access)
            program = compiler.records(self.gate.registry.entities[type_name], children, many=many)
            root.programs.put(key, program)
        return program

    def read(self, root: Root, group: Group, index: int, type_name: str, children: tuple[Selected, ...]) -> Flow:
        """The texts of a group's records of one entity; what does not exist for the caller is missing."""
        ids = group.types[type_name]
        program = self.program(root, group, index, type_name, children, many=root.name in ("nodes", "schools"))
        texts: Texts = {}
        for school in group.schools if type_name != "School" else group.schools[:1]:
            rows = yield Ask(program.main.sql, self.bound(program.main, school.school_id, ids))
            for row in rows:
                texts[row[0]] = encoded(row[1])
        return (yield from self.filled(program, texts))

    def filled(self, program: Program, texts: Texts) -> Flow:
        """The texts with deeper lists put in their slots, cursors sealed and capabilities told."""
        if program.slots:
            texts = yield from self._fill_slots(program, texts)
        if program.cursors:
            texts = {key: self._sealed(program, text) for key, text in texts.items()}
        if program.capabilities:
            texts = {key: self._told(program, text) for key, text in texts.items()}
        return texts

    @staticmethod
    def _told(program: Program, text: bytes) -> bytes:
        def tell(match: re.Match[bytes]) -> bytes:
            number, known = match.groups()
            return orjson.dumps(shaped(program.capabilities[int(number)], capability_values(known)))

        return _CAPABILITY.sub(tell, text)

    def _fill_slots(self, program: Program, texts: Texts) -> Flow:
        wanted: dict[int, dict[str, None]] = {}
        pieces = {key: text.split(_SLOT) for key, text in texts.items()}
        for parts in pieces.values():
            for mark in parts[1::2]:
                number, _, parent = mark.decode().partition(":")
                wanted.setdefault(int(number), {})[parent] = None
        found: dict[bytes, bytes] = {}
        for slot, parents in wanted.items():
            statement = program.slots[slot]
            rows = yield Ask(statement.sql, self.bound(statement, "", list(parents)))
            below: Texts = {row[0]: encoded(row[1]) for row in rows}
            if any(_SLOT in text for text in below.values()):
                below = yield from self._fill_slots(program, below)
            found |= {f"{slot}:{parent}".encode(): below.get(parent, b"null") for parent in parents}
        return {
            key: b"".join(found[part] if index % 2 else part for index, part in enumerate(parts))
            for key, parts in pieces.items()
        }

    def _sealed(self, program: Program, text: bytes) -> bytes:
        sealers: dict[tuple[bytes, bytes], Callable[[str], str]] = {}

        def seal(match: re.Match[bytes]) -> bytes:
            number, parent, key = match.groups()
            sealer = sealers.get((number, parent))
            if sealer is None:
                place = self.caller.place(program.cursors[int(number)], parent.decode())
                sealer = sealers[number, parent] = self.gate.keys.sealer(place)
            return sealer(key.decode()).encode()

        return _CURSOR.sub(seal, text)

    def bound(self, statement: Statement, school_id: str, ids: Sequence[str]) -> list[object]:
        """The parameters of a statement."""
        values: list[object] = []
        for kind, index in statement.binds:
            if kind == "school":
                values.append(school_id)
            elif index is None:
                values.append(self._list(statement, kind, ids))
            else:
                page = self.pages[index]
                values.append(page.limit if kind == "limit" else page.after if kind == "after" else page.before)
        return values

    def _list(self, statement: Statement, kind: str, ids: Sequence[str]) -> object:
        if kind == "ids" and not statement.many:
            return ids[0]
        return orjson.dumps(ids).decode() if self.gate.dialect.is_sqlite else list(ids)
