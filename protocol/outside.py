"""JSON that somebody else wrote: read by one function, so that what breaks a reader is thought of once."""

import json
from typing import Any, NoReturn

WHOLE_MIN, WHOLE_MAX = -(2**63), 2**63 - 1
"""Whole numbers that every database and every reader of ours takes."""
_DIGITS_MAX = len(str(WHOLE_MIN))


class NotJson(ValueError):
    """What came is no JSON that is taken here. The text is a clause that says why."""


def read_json(text: bytes | bytearray | str) -> Any:
    """The value that ``text`` spells.

    Raises NotJson: for what is no JSON, is nested too deeply to be read, or holds a number that is none (NaN,
    Infinity), a number that no database takes, or a lone surrogate, which is no text and breaks whoever writes it down.
    """
    try:
        # json.loads would let surrogates through in bytes, and takes UTF-16 for JSON.
        text = text.encode() if isinstance(text, str) else bytes(text)
        value = json.loads(text.decode(), parse_int=_whole, parse_float=_fraction, parse_constant=_no_number)
        if b"\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except NotJson:
        raise
    except ValueError as error:
        raise NotJson(str(error)) from None
    return value


def _whole(text: str) -> int:
    # The length first: Python refuses to read thousands of digits, and would take long for fewer.
    if len(text) > _DIGITS_MAX or not WHOLE_MIN <= int(text) <= WHOLE_MAX:
        raise NotJson("it holds a whole number that is too large")
    return int(text)


def _fraction(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise NotJson("it holds a number that is too large")
    return number


def _no_number(text: str) -> NoReturn:
    raise NotJson(f"it holds {text}, which is no number")
