"""Moments and dates that people name. Those at the edges of the calendar are refused: no other time zone has them."""

from datetime import date

from provisioning.errors import Refusal, Refused

FIRST_YEAR, LAST_YEAR = 1970, 8999


def require_usable(when: date, field: str = "") -> None:
    """``when``: a date, or a moment as somebody wrote it. Raises Refused."""
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise Refused(Refusal(f"The year {when.year} is not taken here. Name one from {FIRST_YEAR} to {LAST_YEAR}.",
                              field))
