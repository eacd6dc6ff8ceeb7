"""What a repeated request is made of: one statement, its parameters, and the bytes around the data.

It is kept for one standing, so for one consent version's grants; the statement itself asks whether they are in force.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resolvers.asking import Ask, Flow


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A request of one standing that may differ by its token and by the record's id, which stand at these places."""

    sql: str
    parameters: Sequence[object]
    id_at: int
    token_at: int
    before: bytes
    after: bytes

    def flow(self, record_id: str, token_hash: str) -> Flow:
        """The answer, or None when the standing is no longer what the school grants."""
        parameters = list(self.parameters)
        parameters[self.id_at] = record_id
        parameters[self.token_at] = token_hash
        rows = yield Ask(self.sql, parameters)
        if not rows:
            return None
        text = rows[0][0]
        return b"".join((self.before, b"null" if text is None else encoded(text), self.after))

    @property
    def size(self) -> int:
        """Bytes of its own; the statement is counted where it is kept."""
        return 500 + len(self.before) + len(self.after)


def encoded(text: str | bytes) -> bytes:
    """A JSON text as the drivers give it: bytes from SQLite, a string from PostgreSQL."""
    return text if isinstance(text, bytes) else text.encode()
