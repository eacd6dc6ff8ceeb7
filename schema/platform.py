"""fieldgate's own tables: apps and what they ask for, tokens, consents, grants, the audit trail, imports.

Each has one writer in `authz/` (or `server/sync/` for imports). A consent is keyed by school and app; its `version`
is its epoch and rises, by trigger, with whatever is compiled into a plan.
"""

from sqlalchemy import Column, Index, Integer
from sqlmodel import Field, SQLModel

from schema.columns import Flag, instant, instant_checks, key, one_of, sqlite_check, text
from schema.fields import Kind
from schema.tables import TABLE_OPTIONS
from schema.vocabulary import CONSENT_STATES, NEEDS


class App(SQLModel, table=True):
    """A vendor's product, as its current manifest describes it."""

    __tablename__ = "app"
    __table_args__ = (
        *instant_checks("app", "created_at"),
        TABLE_OPTIONS,
    )
    id: str = Field(sa_column=key(True))
    slug: str = Field(sa_column=key(unique=True))
    name: str = Field(sa_column=text(nullable=False))
    vendor: str = Field(sa_column=text(nullable=False))
    manifest_version: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: str = Field(sa_column=instant(nullable=False))


class AppManifest(SQLModel, table=True):
    """One published version of an app's manifest, as sent. Never edited."""

    __tablename__ = "app_manifest"
    __table_args__ = (
        *instant_checks("app_manifest", "published_at"),
        TABLE_OPTIONS,
    )
    app_id: str = Field(sa_column=key(True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    document: str = Field(sa_column=text(nullable=False))
    sha256: str = Field(sa_column=key())
    published_at: str = Field(sa_column=instant(nullable=False))


class AppProduct(SQLModel, table=True):
    """One add-on of an app, in one version of its manifest."""

    __tablename__ = "app_product"
    __table_args__ = (TABLE_OPTIONS,)
    app_id: str = Field(sa_column=key(True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    product: str = Field(sa_column=key(True))
    title: str = Field(sa_column=text(nullable=False))
    row_conditions: str = Field(sa_column=text(nullable=False, default="[]"))


class AppScope(SQLModel, table=True):
    """One scope that a product asks for, bundles expanded and implied objects added."""

    __tablename__ = "app_scope"
    __table_args__ = (
        one_of("app_scope", "need", NEEDS),
        sqlite_check("app_scope", "implied", Kind.BOOL),
        TABLE_OPTIONS,
    )
    app_id: str = Field(sa_column=key(True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    product: str = Field(sa_column=key(True))
    scope: str = Field(sa_column=key(True))
    need: str = Field(sa_column=key())
    implied: bool = Field(sa_column=Column(Flag(), nullable=False))
    reason: str | None = Field(default=None, sa_column=text())


class AppToken(SQLModel, table=True):
    """A bearer secret of an app. Only its SHA-256 is kept: the secret itself has 256 random bits."""

    __tablename__ = "app_token"
    __table_args__ = (
        Index("ix_app_token_app_id", "app_id"),
        *instant_checks("app_token", "created_at", "expires_at", "revoked_at"),
        TABLE_OPTIONS,
    )
    hash: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(unique=True))
    app_id: str = Field(sa_column=key())
    hint: str = Field(sa_column=key())
    created_at: str = Field(sa_column=instant(nullable=False))
    expires_at: str | None = Field(default=None, sa_column=instant())
    revoked_at: str | None = Field(default=None, sa_column=instant())
    replaces: str | None = Field(default=None, sa_column=key(nullable=True))


class Consent(SQLModel, table=True):
    """The standing agreement of one school with one app.

    `products` and `row_conditions` are canonical JSON arrays. `version` only rises. `expires_at` ends it all.
    """

    __tablename__ = "consent"
    __table_args__ = (
        Index("ix_consent_app_id", "app_id", "school_id"),
        one_of("consent", "state", CONSENT_STATES),
        *instant_checks("consent", "created_at", "decided_at", "expires_at", "revoked_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    app_id: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(unique=True))
    state: str = Field(sa_column=key())
    version: int = Field(sa_column=Column(Integer, nullable=False))
    products: str = Field(sa_column=text(nullable=False, default="[]"))
    row_conditions: str = Field(sa_column=text(nullable=False, default="[]"))
    manifest_version: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: str = Field(sa_column=instant(nullable=False))
    decided_at: str | None = Field(default=None, sa_column=instant())
    decided_by: str | None = Field(default=None, sa_column=text())
    decided_position: str | None = Field(default=None, sa_column=text())
    expires_at: str | None = Field(default=None, sa_column=instant())
    revoked_at: str | None = Field(default=None, sa_column=instant())
    revoke_reason: str | None = Field(default=None, sa_column=text())


class ConsentGrant(SQLModel, table=True):
    """One scope in force for one school and app."""

    __tablename__ = "consent_grant"
    __table_args__ = (
        *instant_checks("consent_grant", "granted_at", "expires_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    app_id: str = Field(sa_column=key(True))
    scope: str = Field(sa_column=key(True))
    granted_at: str = Field(sa_column=instant(nullable=False))
    granted_by: str = Field(sa_column=text(nullable=False))
    expires_at: str | None = Field(default=None, sa_column=instant())


class AuditEvent(SQLModel, table=True):
    """One thing that happened, written in the transaction that did it.

    `school_id` is `platform` where no school is meant.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        *instant_checks("audit_event", "at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True))
    at: str = Field(sa_column=instant(nullable=False))
    name: str = Field(sa_column=key())
    actor: str = Field(sa_column=text(nullable=False))
    actor_position: str | None = Field(default=None, sa_column=text())
    app_id: str | None = Field(default=None, sa_column=key(nullable=True))
    details: str = Field(sa_column=text(nullable=False, default="{}"))


class AuditHead(SQLModel, table=True):
    """The newest event of each chain. Raising it is what makes writers of one chain take turns."""

    __tablename__ = "audit_head"
    __table_args__ = (TABLE_OPTIONS,)
    school_id: str = Field(sa_column=key(True))
    seq: int = Field(sa_column=Column(Integer, nullable=False))


class ImportRun(SQLModel, table=True):
    """One read of a school's MIS: when, how it ended, what it counted."""

    __tablename__ = "import_run"
    __table_args__ = (
        Index("ix_import_run_finished_at", "school_id", "state", "finished_at"),
        *instant_checks("import_run", "started_at", "heartbeat_at", "finished_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(True))
    source: str = Field(sa_column=key())
    state: str = Field(sa_column=key())
    started_at: str = Field(sa_column=instant(nullable=False))
    heartbeat_at: str = Field(sa_column=instant(nullable=False))
    finished_at: str | None = Field(default=None, sa_column=instant())
    error_code: str | None = Field(default=None, sa_column=key(nullable=True))
    error_message: str | None = Field(default=None, sa_column=text())
    counts: str = Field(sa_column=text(nullable=False, default="{}"))


class ImportFinding(SQLModel, table=True):
    """One odd value met by an import, and whether it was kept or refused."""

    __tablename__ = "import_finding"
    __table_args__ = (TABLE_OPTIONS,)
    school_id: str = Field(sa_column=key(True))
    run_id: str = Field(sa_column=key(True))
    seq: int = Field(sa_column=Column(Integer, primary_key=True))
    entity: str = Field(sa_column=key())
    source_id: str | None = Field(default=None, sa_column=text())
    field: str | None = Field(default=None, sa_column=key(nullable=True))
    code: str = Field(sa_column=key())
    outcome: str = Field(sa_column=key())
    value: str | None = Field(default=None, sa_column=text())
