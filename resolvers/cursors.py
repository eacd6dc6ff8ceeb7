"""Sealed cursors: AES-SIV, so that a cursor tells nothing and opens only where it was made.

The associated data bind it to key, app, school, the connection's coordinate, the parent record and the consent's epoch.
Sealing is deterministic: the same page gives the same bytes. The epoch stands in front in the clear (it is no secret),
so that a change of consent can be told from a forged cursor.
"""

import base64
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from schema.errors import FieldgateError

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class CursorPlace:
    """Where a cursor belongs. `epoch` is the consent's version; 0 for the list of schools."""

    app_id: str
    school_id: str
    coordinate: str
    parent_id: str
    epoch: int


class CursorKeys:
    """The keys that cursors are sealed with, by id; new cursors use the newest."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys:
            raise ValueError("at least one key")
        self._ciphers = {number: AESSIV(key) for number, key in keys.items()}
        self._newest = max(keys)

    def seal(self, place: CursorPlace, key: str) -> str:
        """The cursor of the record with this key in its list."""
        return self.sealer(place)(key)

    def sealer(self, place: CursorPlace) -> Callable[[str], str]:
        """What seals the cursors of one list; a page has many."""
        number = self._newest
        encrypt, associated = self._ciphers[number].encrypt, _associated(number, place, place.epoch)
        head = bytes([number]) + place.epoch.to_bytes(6, "big")

        def seal(key: str) -> str:
            sealed = head + encrypt(key.encode(), associated)
            return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

        return seal

    def open(self, place: CursorPlace, cursor: str) -> str:
        """The record's key; BAD_CURSOR when it belongs elsewhere, CONSENT_CHANGED when the epoch moved on."""
        try:
            raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            epoch = int.from_bytes(raw[1:7], "big")
            key = self._ciphers[raw[0]].decrypt(raw[7:], _associated(raw[0], place, epoch)).decode()
        except (ValueError, KeyError, IndexError, InvalidTag) as error:
            raise FieldgateError("BAD_CURSOR", "The cursor was not made for this list.") from error
        if epoch != place.epoch:
            raise FieldgateError("CONSENT_CHANGED", "The consent has changed since the cursor was made.")
        return key


def _associated(number: int, place: CursorPlace, epoch: int) -> list[bytes]:
    parts = (str(number), place.app_id, place.school_id, place.coordinate, place.parent_id, str(epoch))
    return [part.encode() for part in parts]


def load_keys(path: Path) -> CursorKeys:
    """The keys in the file, one per line (`1:hex`); the file is made at first start, readable by its owner only.

    All workers share it. Raises SETTING_INVALID when the file cannot be used.
    """
    try:
        if not path.exists():
            _make(path)
        keys: dict[int, bytes] = {}
        for line in path.read_text().split():
            number, _, value = line.partition(":")
            key = bytes.fromhex(value)
            if len(key) != KEY_BYTES:
                raise ValueError("key length")
            keys[int(number)] = key
        return CursorKeys(keys)
    except (OSError, ValueError) as error:
        raise FieldgateError("SETTING_INVALID", "FIELDGATE_KEY_FILE names no usable key file.") from error


def _make(path: Path) -> None:
    """Write a new key to a draft, then link it into place: of two workers one wins, and both read the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"1:{secrets.token_hex(KEY_BYTES)}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
