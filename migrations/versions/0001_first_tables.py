"""The first tables: what a MIS holds, and fieldgate's own apps, consents, grants, audit trail and imports.

The statements are frozen in `migrations/ddl/0001.*.sql`.
"""

from alembic import op

import migrations.ddl as ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, check, index and trigger."""
    connection = op.get_bind()
    for statement in ddl.statements(revision, connection.dialect.name):
        connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Nothing lies below the first revision: an older state is a backup restored, not tables dropped."""
    raise NotImplementedError("There is no revision below the first; restore a backup instead.")
