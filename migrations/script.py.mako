"""${message}

The statements are frozen in `migrations/ddl/${up_revision}.*.sql`.
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

from migrations.ddl import statements
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """What is new."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """The way back."""
    ${downgrades if downgrades else "pass"}
