"""The DDL that the models stand for, to begin a migration with: `python -m migrations.draft sqlite|postgresql`.

A migration is a frozen text: what is printed here is copied once, read, and never derived again. Blank lines part the
statements.
"""

import sys

from sqlalchemy import create_mock_engine
from sqlalchemy.schema import ExecutableDDLElement

from schema.metadata import METADATA

URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+asyncpg://"}


def statements(dialect: str) -> list[str]:
    """The statements that create every table, index and trigger of the models, in the order they must run."""
    found: list[str] = []

    def keep(element: ExecutableDDLElement, *_: object, **__: object) -> None:
        found.append(tidy(str(element.compile(dialect=engine.dialect))))

    engine = create_mock_engine(URLS[dialect], keep)
    METADATA.create_all(engine, checkfirst=False)
    return found


def tidy(statement: str) -> str:
    """The statement without trailing blanks and empty lines, indented by spaces."""
    lines = (line.rstrip().expandtabs(4) for line in statement.splitlines())
    return "\n".join(line for line in lines if line)


if __name__ == "__main__":
    print("\n\n".join(f"{statement};" for statement in statements(sys.argv[1])))
