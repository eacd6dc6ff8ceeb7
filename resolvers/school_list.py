"""`schools`: the caller's schools as a connection, put together here because each stands under its own grants."""

from collections.abc import Sequence

from authz.selection import Selected
from resolvers.asking import Ask, Flow, RootAnswer
from resolvers.pages import Page
from resolvers.prepare import Prepared
from resolvers.records import RecordReader, Texts


def read_schools(reader: RecordReader, prepared: Prepared) -> Flow:
    """The part of `data` of a `schools` root."""
    return (yield from _SchoolList(reader, prepared).answer())


class _SchoolList:
    def __init__(self, reader: RecordReader, prepared: Prepared) -> None:
        self.reader = reader
        self.gate = reader.gate
        self.prepared = prepared
        self.root = prepared.root
        self.place = reader.caller.place(self.root.selected.coordinate, "")
        self.texts: dict[int, Texts] = {}

    def answer(self) -> Flow:
        for index, type_name, children in self.root.targets():
            self.texts[index] = {}
            for group in self.prepared.groups.values():
                self.texts[index] |= yield from self.reader.read(self.root, group, index, type_name, children)
        shown = [each for each in self.prepared.ids if all(each in known for known in self.texts.values())]
        made = []
        for child in self.root.selected.below:
            value = yield from self._value(child, shown)
            made.append(f'"{child.key}":'.encode() + value)
        return RootAnswer(b"{" + b",".join(made) + b"}", self.prepared.denials)

    def _value(self, child: Selected, shown: Sequence[str]) -> Flow:
        if child.name == "totalCount":
            rows = yield Ask(self.gate.count_sql(), (self.reader.caller.app_id,))
            return b"%d" % rows[0][0]
        if child.name == "pageInfo":
            return (yield from self._page_info(child))
        if child.name == "nodes":
            return b"[" + b",".join(self.texts[child.index][each] for each in shown) + b"]"
        if child.name == "edges":
            return b"[" + b",".join(self._edge(child, each) for each in shown) + b"]"
        return b'"SchoolConnection"'

    def _edge(self, edges: Selected, school_id: str) -> bytes:
        parts = []
        for part in edges.below:
            value = b'"SchoolEdge"'
            if part.name == "cursor":
                value = self._cursor(school_id)
            elif part.name == "node":
                value = self.texts[part.index][school_id]
            parts.append(f'"{part.key}":'.encode() + value)
        return b"{" + b",".join(parts) + b"}"

    def _cursor(self, school_id: str) -> bytes:
        return f'"{self.gate.keys.seal(self.place, school_id)}"'.encode()

    def _page_info(self, child: Selected) -> Flow:
        ids = self.prepared.ids
        page = self.reader.pages[self.root.selected.index]
        parts = []
        for part in child.below:
            value = b'"PageInfo"'
            if part.name in ("hasNextPage", "hasPreviousPage"):
                beyond = yield from self._stands_beyond(page, backwards=part.name == "hasPreviousPage")
                value = b"true" if beyond else b"false"
            elif part.name in ("startCursor", "endCursor"):
                value = self._cursor(ids[0 if part.name == "startCursor" else -1]) if ids else b"null"
            parts.append(f'"{part.key}":'.encode() + value)
        return b"{" + b",".join(parts) + b"}"

    def _stands_beyond(self, page: Page, *, backwards: bool) -> Flow:
        """Whether a consented school stands before (backwards) or after the page."""
        ids = self.prepared.ids
        edge = (page.before or "~") if backwards else (page.after or "")
        key = ids[0 if backwards else -1] if ids else edge
        rows = yield Ask(self.gate.beyond_sql(backwards=backwards), (self.reader.caller.app_id, key))
        return bool(rows)
