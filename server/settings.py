"""Settings, read once from the environment and passed in. Nothing reads the environment after this.

Units stand in the names. docs/operations.md lists them; a wrong value is refused with the setting's name.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from schema.errors import FieldgateError


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator can set."""

    database_url: str = "sqlite:///fieldgate.db"
    base_url: str = "http://127.0.0.1:8000"
    key_file: Path = Path("fieldgate.key")
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    page_cap: int = 500
    default_page: int = 50
    max_depth: int = 40
    max_aliases: int = 300
    max_directives: int = 100
    max_tokens: int = 20_000
    max_cost: int = 2_000_000
    max_body_bytes: int = 1_000_000
    deadline_seconds: float = 10.0
    plan_cache_bytes: int = 64_000_000
    inline_cost: int = 20_000
    pool_size: int = 8
    pgbouncer: bool = False
    public_schema: bool = True
    access_log: bool = False
    sign_ins_per_address: int = 60

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Settings from `FIELDGATE_*` variables; the defaults where one is not set."""
        values = os.environ if environment is None else environment
        chosen: dict[str, object] = {}
        for name, default in _defaults().items():
            raw = values.get(f"FIELDGATE_{name.upper()}")
            if raw is not None:
                chosen[name] = _read(name, raw, default)
        return cls(**chosen)  # type: ignore[arg-type]  # every value was read as its default's type


def _defaults() -> dict[str, object]:
    plain = Settings()
    return {name: getattr(plain, name) for name in Settings.__slots__}


def _read(name: str, raw: str, default: object) -> object:
    try:
        if isinstance(default, bool):
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[raw.lower()]
        if isinstance(default, int):
            return int(raw)
        if isinstance(default, float):
            return float(raw)
        if isinstance(default, Path):
            return Path(raw)
        return raw.rstrip("/") if name == "base_url" else raw
    except (KeyError, ValueError) as error:
        raise FieldgateError("SETTING_INVALID", f"FIELDGATE_{name.upper()} has not the form of its default.") from error
