"""${message}

The statements are frozen in `migrations/ddl/${up_revision}.*.sql`.
"""

import sqlalchemy as sa  # noqa: F401 - what Alembic generates names it
import sqlmodel  # noqa: F401 - and this, for models' text columns
from alembic import op

import migrations.ddl as ddl
${imports if imports else ""}
revision = "${up_revision}"
down_revision = "${down_revision}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say what is new."""
    ${upgrades if upgrades else """connection = op.get_bind()
    for statement in ddl.statements(revision, connection.dialect.name):
        connection.exec_driver_sql(statement)"""}


def downgrade() -> None:
    """An older state is a backup restored."""
    raise NotImplementedError("Restore a backup instead.")
