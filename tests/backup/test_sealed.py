"""A stream under a key: whole with that key, or refused."""

import io

import pytest

from console.backup.sealed import MAGIC, PIECE, SALT_BYTES, CannotOpen, Sealing, Unsealing, is_sealed

KEY = "a key of some length"
HEAD = len(MAGIC) + SALT_BYTES


def sealed(data: bytes) -> bytes:
    file = io.BytesIO()
    sealing = Sealing(file, KEY)
    for at in range(0, len(data), 300_000):
        sealing.write(data[at:at + 300_000])
    sealing.finish()
    return file.getvalue()


def opened(data: bytes, key: str = KEY) -> bytes:
    return Unsealing(io.BytesIO(data), key).read()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_was_sealed_is_what_is_opened(size):
    plain = bytes(number % 251 for number in range(1000)) * (size // 1000 + 1)
    assert opened(sealed(plain[:size])) == plain[:size]


def test_it_is_read_in_parts():
    reading = Unsealing(io.BytesIO(sealed(b"abcdef" * 400_000)), KEY)
    assert [reading.read(4), reading.read(4), len(reading.read(2_399_990)), reading.read(9), reading.read(9)] == [
        b"abcd", b"efab", 2_399_990, b"ef", b""]


def test_another_key_does_not_open_it():
    with pytest.raises(CannotOpen, match="set PAIRWISE_BACKUP_KEY to the key"):
        opened(sealed(b"x"), "another key of length")


@pytest.mark.parametrize("harm", [
    lambda data: data[:-1], lambda data: data[:HEAD], lambda data: data[:HEAD + 4 + PIECE + 16],
    lambda data: data[:HEAD + 100] + b"\0" + data[HEAD + 101:],
    lambda data: data[:HEAD] + data[HEAD + 4 + PIECE + 16:]])
def test_what_was_cut_off_or_changed_is_refused(harm):
    data = sealed(b"secret" * (PIECE // 3))
    assert harm(data) != data
    with pytest.raises(CannotOpen):
        opened(harm(data))


def test_the_same_is_never_sealed_the_same():
    assert sealed(b"x") != sealed(b"x")


def test_a_sealed_file_is_known_by_its_beginning():
    assert is_sealed(io.BytesIO(sealed(b"")))
    assert not is_sealed(io.BytesIO(b"\x1f\x8b"))
