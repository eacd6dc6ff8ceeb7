"""Secrets that people choose: what makes one too weak, and their Argon2id hashes.

A hash costs 64 MiB and a tenth of a second: two are worked on at a time in each process, some wait, the rest are
turned away.
"""

import asyncio
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from authz.accounts import canonical_username
from schema.errors import FieldgateError

SHORTEST = 10
LONGEST = 200
MOST_TYPED = 4 * LONGEST
"""Characters of a secret before they are composed; a longer text is none, and nothing is made of it."""
AT_ONCE = 2
MOST_WAITING = 20
PASSES = 3
MEMORY_KIB = 65_536
LANES = 4
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$s3Ef7CEJePvQ98n+tGeRIA$QbmzSfdFxGFvCllJX1hooIyijk7zmLLiYHYhM3mxmss"
"""The hash of a secret that nobody knows, of the same cost: verified where there is none to verify."""

Done = TypeVar("Done")


def check_strength(secret: str, username: str) -> None:
    """Refuse a secret that is guessed first."""
    length = len(_prepared(secret)) if len(secret) <= MOST_TYPED else len(secret)
    if length < SHORTEST or length > LONGEST:
        raise FieldgateError("SECRET_TOO_WEAK", f"The secret must have from {SHORTEST} to {LONGEST} characters.")
    if len(set(secret.casefold())) == 1:
        raise FieldgateError("SECRET_TOO_WEAK", "The secret is one character again and again.")
    if canonical_username(secret) == canonical_username(username):
        raise FieldgateError("SECRET_TOO_WEAK", "The secret is the username.")


class SecretHashes:
    """Makes and verifies hashes, on threads."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="secrets")
        self._unfinished = 0
        self._counting = threading.Lock()

    async def make(self, secret: str) -> str:
        """The hash of a secret."""
        return await self._run(lambda: self._make(secret))

    async def verify(self, secret_hash: str | None, secret: str) -> bool:
        """Whether the secret is the hash's. As much work is done where there is no hash; none for what is no secret."""
        if len(secret) > MOST_TYPED:
            return False
        right = await self._run(lambda: self._verify(secret_hash or NOBODYS, secret))
        return right and secret_hash is not None and len(_prepared(secret)) <= LONGEST

    def _make(self, secret: str) -> str:
        try:
            return self._hasher.hash(_bytes(secret))
        except HashingError as error:  # the machine had not the memory for it
            raise FieldgateError("UNAVAILABLE", "Secrets cannot be taken now.") from error

    def _verify(self, secret_hash: str, secret: str) -> bool:
        try:
            return self._hasher.verify(secret_hash, _bytes(secret))
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError) as error:  # not wrong: the machine had not the memory for it
            raise FieldgateError("UNAVAILABLE", "Secrets cannot be verified now.") from error

    async def _run(self, work: Callable[[], Done]) -> Done:
        if self._unfinished >= AT_ONCE + MOST_WAITING:
            raise FieldgateError("TOO_MANY_ATTEMPTS", "Too many secrets are being verified at this moment.")
        with self._counting:
            self._unfinished += 1
        future = self._threads.submit(work)
        # INVARIANT: what is counted is the work, not who waits for it: a caller who leaves does not make room.
        future.add_done_callback(self._finished)
        return await asyncio.wrap_future(future)

    def _finished(self, _: Future[Any]) -> None:
        with self._counting:
            self._unfinished -= 1

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _prepared(secret: str) -> str:
    """One secret however a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", secret)


def _bytes(secret: str) -> bytes:
    return _prepared(secret).encode("utf-8", "surrogatepass")
