"""A stream of bytes under a key: pieces of AES-256-GCM. None is changed, left out, exchanged or cut off in secret.

Layout: MAGIC, SALT_BYTES of salt, then pieces: four bytes of length (big endian), and so many bytes. The nonce of a
piece is its number and whether it is the last one; the key is scrypt's of the given one and the salt, so no two files
have the same.
"""

import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"PAIRWISE-BACKUP-1\n"
SALT_BYTES, PIECE = 16, 2**20
TAG_BYTES = 16
LEAST_KEY = 16
"""Characters."""


class CannotOpen(Exception):
    """``str()`` says why, and what to do."""


def _cipher(key: str, salt: bytes) -> AESGCM:
    return AESGCM(Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(key.encode()))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11) + bytes([is_last])


class Sealing:
    """Takes plain bytes by ``write``; ``finish`` has to be called, else the file counts as cut off."""

    def __init__(self, file: BinaryIO, key: str):
        salt = os.urandom(SALT_BYTES)
        self._file, self._cipher, self._number, self._waits = file, _cipher(key, salt), 0, bytearray()
        file.write(MAGIC + salt)

    def write(self, data: bytes) -> int:
        self._waits += data
        while len(self._waits) > PIECE:
            self._piece(bytes(self._waits[:PIECE]), is_last=False)
            del self._waits[:PIECE]
        return len(data)

    def finish(self) -> None:
        self._piece(bytes(self._waits), is_last=True)

    def _piece(self, plain: bytes, *, is_last: bool) -> None:
        sealed = self._cipher.encrypt(_nonce(self._number, is_last), plain, None)
        self._file.write(len(sealed).to_bytes(4) + sealed)
        self._number += 1


class Unsealing:
    """Gives plain bytes by ``read``. Raises CannotOpen."""

    def __init__(self, file: BinaryIO, key: str):
        head = file.read(len(MAGIC) + SALT_BYTES)
        self._file, self._cipher, self._number = file, _cipher(key, head[len(MAGIC):]), 0
        self._waits, self._ended = bytearray(), False

    def read(self, size: int = -1) -> bytes:
        while not self._ended and (size < 0 or len(self._waits) < size):
            self._waits += self._piece()
        size = len(self._waits) if size < 0 else size
        given = bytes(self._waits[:size])
        del self._waits[:size]
        return given

    def _piece(self) -> bytes:
        length = int.from_bytes(self._file.read(4))
        if not TAG_BYTES <= length <= PIECE + TAG_BYTES:
            raise CannotOpen("This backup was cut off or changed: take another one.")
        sealed = self._file.read(length)
        for is_last in (False, True):
            try:
                plain = self._cipher.decrypt(_nonce(self._number, is_last), sealed, None)
            except InvalidTag:
                continue
            self._ended, self._number = is_last, self._number + 1
            return plain
        raise CannotOpen("The key does not open this backup, or somebody changed it: set PAIRWISE_BACKUP_KEY to the "
                         "key that it was made with." if self._number == 0 else
                         "This backup was cut off or changed: take another one.")


def is_sealed(file: BinaryIO) -> bool:
    """Looks at the beginning, and goes back to it."""
    begins = file.read(len(MAGIC))
    file.seek(0)
    return begins == MAGIC
