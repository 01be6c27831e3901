"""From when until when certificates are valid, read from PEM text. Pure, and with the standard library alone.

Only as much of DER as leads to the two times of RFC 5280, 4.1; whether a certificate is genuine is not looked at.
"""

import base64
import binascii
import calendar
import re
import time

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _INTEGER, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x02, 0xA0, 0x17, 0x18


def of_pem(text: str) -> list[tuple[float, float]]:
    """(not before, not after) as Unix times of each certificate in ``text``, in order. Raises ValueError."""
    try:
        return [of_der(base64.b64decode("".join(block.split()), validate=True)) for block in _BLOCK.findall(text)]
    except binascii.Error as error:
        raise ValueError(f"it is no PEM: {error}") from None


def of_der(data: bytes) -> tuple[float, float]:
    """(not before, not after) of one certificate. Raises ValueError."""
    certificate, _ = _element(data, _SEQUENCE)
    rest, _ = _element(certificate, _SEQUENCE)
    if rest[:1] == bytes([_VERSION]):
        _, rest = _element(rest, _VERSION)
    for tag in (_INTEGER, _SEQUENCE, _SEQUENCE):  # serial number, algorithm, issuer
        _, rest = _element(rest, tag)
    times, _ = _element(rest, _SEQUENCE)
    before, times = _time(times)
    after, _ = _time(times)
    return before, after


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """(content of the element at the beginning of ``data``, what follows it)."""
    if len(data) < 2 or data[0] != tag:
        raise ValueError("it is no certificate")
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        if start > 6:
            raise ValueError("it is no certificate")
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("the certificate is cut off")
    return data[start:start + length], data[start + length:]


def _time(data: bytes) -> tuple[float, bytes]:
    if data[:1] == bytes([_UTC_TIME]):
        text, rest = _element(data, _UTC_TIME)
        # RFC 5280: two digits from 50 on are of the last century.
        text = (b"19" if text[:1] >= b"5" else b"20") + text
    else:
        text, rest = _element(data, _GENERALIZED_TIME)
    return float(calendar.timegm(time.strptime(text.decode("ascii", "replace"), "%Y%m%d%H%M%SZ"))), rest


SOON_S, URGENT_S = 30 * 86_400.0, 7 * 86_400.0


def urgency(not_after: float | None, now: float) -> str:
    """How near the end is: "", "soon" (30 days), "urgent" (7 days) or "expired"; "" for an end that nobody knows."""
    if not_after is None:
        return ""
    left = not_after - now
    return "expired" if left <= 0 else "urgent" if left <= URGENT_S else "soon" if left <= SOON_S else ""


def begins(not_before: float, now: float) -> str:
    """"is not valid before 2026-12-06 10:00 UTC, and the clock of this machine shows ...", as the end of a sentence."""
    return f"is not valid before {_day(not_before)}, and the clock of this machine shows {_day(now)}"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(at))


def ends(not_after: float, now: float) -> str:
    """"expires in 12 days, on 2026-12-06 10:00 UTC", as the end of a sentence."""
    at, days = _day(not_after), int(abs(not_after - now) // 86_400)
    span = f"{days} day{'' if days == 1 else 's'}" if days else "less than a day"
    return f"expires in {span}, on {at}" if not_after > now else f"expired {span} ago, on {at}"
