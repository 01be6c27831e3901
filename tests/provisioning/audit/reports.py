"""Reports for the tests of the exports: made in the database by a run, or of values alone."""

from datetime import UTC, date, datetime

from provisioning.audit.exports.report import Found, Head, PairReport, Server, Unjudged, Waived

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def head(**values) -> Head:
    return Head(**{"made_at": AT, "made_by": "sue", "scope": "All pairs", "version": "0.1.0",
                   "counts": {"broken": 1, "at risk": 0, "ready": 0}, "found": {"error": 1, "warning": 0, "note": 0},
                   **values})


def found(code: str = "A30", **values) -> Found:
    return Found(**{
        "code": code, "title": "Title", "severity": "error", "subject": "MS_Primary", "sentence": "Something is wrong.",
        "values": (("Wanted", "-app MS_Primary"), ("Found", "-app Other")), "why": "Because.", "fix": "Do it.",
        "guide": "step 3", "fact": "f" * 32, "servers": ("MS_Primary",), "since": AT, **values})


def waived(**values) -> Waived:
    return Waived(**{"reason": "Tested by hand.", "by": "sue", "at": AT, "expires_on": date(2026, 12, 1), **values})


def unjudged(*codes: str, **values) -> Unjudged:
    return Unjudged(**{"sentence": "Host h1 does not answer.", "severity": "error", "codes": codes or ("A28",),
                       **values})


def pair(*findings: Found, **values) -> PairReport:
    return PairReport(**{
        "id": 7, "verdict": "broken", "judged": AT, "confirmed": AT, "passed": 40, "found": findings,
        "members": (Server(id=7, name="MS_Primary", host="h1", version="8.5"),
                    Server(id=8, name="MS_Backup", host="h2", version="8.5", runs="8.5", agent="1.0")), **values})
