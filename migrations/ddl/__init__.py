"""The frozen statements of each revision, read by the migrations.

`0001.sqlite.sql` holds revision 0001 in SQLite's words. Blank lines part the statements; a trigger's body has none.
"""

from pathlib import Path

HERE = Path(__file__).parent


def statements(revision: str, dialect: str) -> list[str]:
    """The statements of one revision for one database, in the order they must run."""
    text = (HERE / f"{revision}.{dialect}.sql").read_text(encoding="utf-8")
    blocks = (block.strip().removesuffix(";") for block in text.split("\n\n"))
    return [block for block in blocks if not block.startswith("--")]
