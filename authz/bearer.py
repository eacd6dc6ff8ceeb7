"""Bearer secrets: made with 256 random bits, shown once, kept and looked up only as their SHA-256.

A secret of so many bits needs no slow hash; what people choose themselves does, and is not of this kind.
"""

import hashlib
import secrets

APP_PREFIX = "fg_"
STAFF_PREFIX = "fgs_"
SESSION_PREFIX = "fgc_"
PREFIXES = (APP_PREFIX, STAFF_PREFIX, SESSION_PREFIX)
"""How bearer tokens begin: an app's, a member of staff's, a signed-in contact's."""

SECRET_BYTES = 32
HINT_LENGTH = 4


def new_secret(prefix: str = "") -> str:
    """A new secret: the prefix and 43 characters."""
    return prefix + secrets.token_urlsafe(SECRET_BYTES)


def hint(secret: str) -> str:
    """The end of a secret, by which a person tells it from others."""
    return secret[-HINT_LENGTH:]


def token_hash(secret: str) -> str:
    """What is stored of a secret, and looked up."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
