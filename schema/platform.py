"""fieldgate's own tables: apps and what they ask for, tokens, consents, grants, the audit trail, imports.

Each has one writer in `authz/` (or `server/sync/` for imports). A consent is keyed by school and app; its `version`
is its epoch and rises, by trigger, with whatever is compiled into a plan.
"""

from sqlalchemy import CheckConstraint, Column, Index, Integer, Text
from sqlmodel import Field, SQLModel

from schema.columns import Flag, Instant, Key, sqlite_check
from schema.fields import Kind
from schema.tables import TABLE_OPTIONS
from schema.vocabulary import CONSENT_STATES, NEEDS


def _key(primary_key: bool = False, *, nullable: bool = False, unique: bool = False) -> Column[str]:
    return Column(Key(), primary_key=primary_key, nullable=nullable, unique=unique or None)


def _text(*, nullable: bool = True, default: str | None = None) -> Column[str]:
    return Column(Text(), nullable=nullable, server_default=default)


def _instant(*, nullable: bool = True) -> Column[str]:
    return Column(Instant(), nullable=nullable)


def _instants(table: str, *columns: str) -> tuple[CheckConstraint, ...]:
    # INVARIANT: instants have one form; SQLite compares them as text, so another form could outlive its expiry.
    return tuple(sqlite_check(table, column, Kind.INSTANT) for column in columns)


def _one_of(table: str, column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=f"ck_{table}_{column}")


class App(SQLModel, table=True):
    """A vendor's product, as its current manifest describes it."""

    __tablename__ = "app"
    __table_args__ = (
        *_instants("app", "created_at"),
        TABLE_OPTIONS,
    )
    id: str = Field(sa_column=_key(True))
    slug: str = Field(sa_column=_key(unique=True))
    name: str = Field(sa_column=_text(nullable=False))
    vendor: str = Field(sa_column=_text(nullable=False))
    manifest_version: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: str = Field(sa_column=_instant(nullable=False))


class AppManifest(SQLModel, table=True):
    """One published version of an app's manifest, as sent. Never edited."""

    __tablename__ = "app_manifest"
    __table_args__ = (
        *_instants("app_manifest", "published_at"),
        TABLE_OPTIONS,
    )
    app_id: str = Field(sa_column=_key(True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    document: str = Field(sa_column=_text(nullable=False))
    sha256: str = Field(sa_column=_key())
    published_at: str = Field(sa_column=_instant(nullable=False))


class AppProduct(SQLModel, table=True):
    """One add-on of an app, in one version of its manifest."""

    __tablename__ = "app_product"
    __table_args__ = (TABLE_OPTIONS,)
    app_id: str = Field(sa_column=_key(True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    product: str = Field(sa_column=_key(True))
    title: str = Field(sa_column=_text(nullable=False))
    row_conditions: str = Field(sa_column=_text(nullable=False, default="[]"))


class AppScope(SQLModel, table=True):
    """One scope that a product asks for, bundles expanded and implied objects added."""

    __tablename__ = "app_scope"
    __table_args__ = (
        _one_of("app_scope", "need", NEEDS),
        sqlite_check("app_scope", "implied", Kind.BOOL),
        TABLE_OPTIONS,
    )
    app_id: str = Field(sa_column=_key(True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    product: str = Field(sa_column=_key(True))
    scope: str = Field(sa_column=_key(True))
    need: str = Field(sa_column=_key())
    implied: bool = Field(sa_column=Column(Flag(), nullable=False))
    reason: str | None = Field(default=None, sa_column=_text())


class AppToken(SQLModel, table=True):
    """A bearer secret of an app. Only its SHA-256 is kept: the secret itself has 256 random bits."""

    __tablename__ = "app_token"
    __table_args__ = (
        Index("ix_app_token_app_id", "app_id"),
        *_instants("app_token", "created_at", "expires_at", "revoked_at"),
        TABLE_OPTIONS,
    )
    hash: str = Field(sa_column=_key(True))
    id: str = Field(sa_column=_key(unique=True))
    app_id: str = Field(sa_column=_key())
    hint: str = Field(sa_column=_key())
    created_at: str = Field(sa_column=_instant(nullable=False))
    expires_at: str | None = Field(default=None, sa_column=_instant())
    revoked_at: str | None = Field(default=None, sa_column=_instant())
    replaces: str | None = Field(default=None, sa_column=_key(nullable=True))


class Consent(SQLModel, table=True):
    """The standing agreement of one school with one app.

    `products` and `row_conditions` are canonical JSON arrays. `version` only rises. `expires_at` ends it all.
    """

    __tablename__ = "consent"
    __table_args__ = (
        Index("ix_consent_app_id", "app_id", "school_id"),
        _one_of("consent", "state", CONSENT_STATES),
        *_instants("consent", "created_at", "decided_at", "expires_at", "revoked_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=_key(True))
    app_id: str = Field(sa_column=_key(True))
    id: str = Field(sa_column=_key(unique=True))
    state: str = Field(sa_column=_key())
    version: int = Field(sa_column=Column(Integer, nullable=False))
    products: str = Field(sa_column=_text(nullable=False, default="[]"))
    row_conditions: str = Field(sa_column=_text(nullable=False, default="[]"))
    manifest_version: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: str = Field(sa_column=_instant(nullable=False))
    decided_at: str | None = Field(default=None, sa_column=_instant())
    decided_by: str | None = Field(default=None, sa_column=_text())
    decided_position: str | None = Field(default=None, sa_column=_text())
    expires_at: str | None = Field(default=None, sa_column=_instant())
    revoked_at: str | None = Field(default=None, sa_column=_instant())
    revoke_reason: str | None = Field(default=None, sa_column=_text())


class ConsentGrant(SQLModel, table=True):
    """One scope in force for one school and app."""

    __tablename__ = "consent_grant"
    __table_args__ = (
        *_instants("consent_grant", "granted_at", "expires_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=_key(True))
    app_id: str = Field(sa_column=_key(True))
    scope: str = Field(sa_column=_key(True))
    granted_at: str = Field(sa_column=_instant(nullable=False))
    granted_by: str = Field(sa_column=_text(nullable=False))
    expires_at: str | None = Field(default=None, sa_column=_instant())


class AuditEvent(SQLModel, table=True):
    """One thing that happened, written in the transaction that did it.

    `school_id` is `platform` where no school is meant.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        *_instants("audit_event", "at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=_key(True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True))
    at: str = Field(sa_column=_instant(nullable=False))
    name: str = Field(sa_column=_key())
    actor: str = Field(sa_column=_text(nullable=False))
    actor_position: str | None = Field(default=None, sa_column=_text())
    app_id: str | None = Field(default=None, sa_column=_key(nullable=True))
    details: str = Field(sa_column=_text(nullable=False, default="{}"))


class AuditHead(SQLModel, table=True):
    """The newest event of each chain. Raising it is what makes writers of one chain take turns."""

    __tablename__ = "audit_head"
    __table_args__ = (TABLE_OPTIONS,)
    school_id: str = Field(sa_column=_key(True))
    seq: int = Field(sa_column=Column(Integer, nullable=False))


class ImportRun(SQLModel, table=True):
    """One read of a school's MIS: when, how it ended, what it counted."""

    __tablename__ = "import_run"
    __table_args__ = (
        *_instants("import_run", "started_at", "heartbeat_at", "finished_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=_key(True))
    id: str = Field(sa_column=_key(True))
    source: str = Field(sa_column=_key())
    state: str = Field(sa_column=_key())
    started_at: str = Field(sa_column=_instant(nullable=False))
    heartbeat_at: str = Field(sa_column=_instant(nullable=False))
    finished_at: str | None = Field(default=None, sa_column=_instant())
    error_code: str | None = Field(default=None, sa_column=_key(nullable=True))
    error_message: str | None = Field(default=None, sa_column=_text())
    counts: str = Field(sa_column=_text(nullable=False, default="{}"))


class ImportFinding(SQLModel, table=True):
    """One odd value met by an import, and whether it was kept or refused."""

    __tablename__ = "import_finding"
    __table_args__ = (TABLE_OPTIONS,)
    school_id: str = Field(sa_column=_key(True))
    run_id: str = Field(sa_column=_key(True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True))
    entity: str = Field(sa_column=_key())
    source_id: str | None = Field(default=None, sa_column=_text())
    field: str | None = Field(default=None, sa_column=_key(nullable=True))
    code: str = Field(sa_column=_key())
    outcome: str = Field(sa_column=_key())
    value: str | None = Field(default=None, sa_column=_text())


PLATFORM_MODELS: tuple[type[SQLModel], ...] = (
    App,
    AppManifest,
    AppProduct,
    AppScope,
    AppToken,
    Consent,
    ConsentGrant,
    AuditEvent,
    AuditHead,
    ImportRun,
    ImportFinding,
)
