"""kombu expands no message: neither what its header ``compression`` names nor what its content encoding does.

Nothing of Pairwise is sent compressed, and kombu would expand before it asks what is accepted: of a few kilobytes that
anybody put into a queue it makes as many gigabytes as the sender likes. What is compressed is an error of its message,
which Celery logs and acknowledges.
"""

from kombu import compression, serialization


def _text(data: bytes | memoryview, encoding: str) -> str:
    """``data`` in an encoding of text. Raises LookupError for any other: codecs also have zlib, bz2 and their like."""
    return bytes(data).decode(encoding)


# Who would send something compressed is told so where he does.
compression._encoders.clear()
compression._decoders.clear()
serialization._decode = _text  # type: ignore[assignment]  # theirs is overloaded, ours takes the same
