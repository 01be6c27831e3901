"""Lines without secrets, however they stand in what was read."""

import pytest

from provisioning.core.redaction import Redactor
from provisioning.models.applications import MASK
from provisioning.server_log.facts import File, moment, size
from provisioning.server_log.rules import CUT, EDGE, without_secrets

SECRET = "correct-horse-battery"
KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"


def clean(*lines: str, cut=()) -> list[str]:
    return without_secrets(lines, cut, Redactor([SECRET]))


def test_lines_stay_as_they_are():
    assert clean("one", "", "two\tthree") == ["one", "", "two\tthree"]
    assert clean() == []


@pytest.mark.parametrize("line", [
    f"It said {SECRET}.", "passcode: hunter2hunter2", "redis://user:hunter2hunter2@host/0",
    "Authorization: Bearer hunter2hunter2", KEY, f"  {KEY[:60]}=="])
def test_what_is_a_secret_or_looks_like_one_is_masked(line):
    [shown] = clean(line)
    assert MASK in shown
    assert not any(secret in shown for secret in (SECRET, "hunter2hunter2", KEY[:60]))


def test_a_private_key_becomes_one_line_with_its_beginning_or_without():
    whole = ["a", "-----BEGIN PRIVATE KEY-----", KEY, KEY[:20], "-----END PRIVATE KEY-----", "b"]
    assert clean(*whole) == ["a", MASK, "b"]
    assert KEY not in "".join(clean(*whole[2:]))


@pytest.mark.parametrize("shown_of_it", [1, 8, len(SECRET) - 1, len(SECRET)])
def test_of_a_secret_in_which_a_line_was_cut_nothing_is_left(shown_of_it):
    line = "x" * 3000 + SECRET[:shown_of_it]
    [shown] = clean(line, cut={0})
    assert shown == "x" * (len(line) - EDGE if shown_of_it < len(SECRET) else 3000 + len(MASK) - EDGE) + CUT


def test_what_was_cut_says_so_also_where_a_secret_stands_at_its_end():
    assert clean("y" * 2000 + " passcode=" + "z" * 50, cut={0})[0].endswith((CUT, MASK))
    assert clean("short", "x" * 2000, cut={1}) == ["short", "x" * (2000 - EDGE) + CUT]


@pytest.mark.parametrize(("count", "words"), [(0, "0 bytes"), (1, "1 byte"), (2048, "2 KB"), (5_500_000, "5.2 MB")])
def test_sizes_are_written_for_people(count, words):
    assert size(count) == words


def test_files_are_called_by_what_they_are():
    def label(name, problem=""):
        return File(name, "/srv/x", 2048, None, "log", problem).label

    assert label("logs/ms.log") == "logs/ms.log (2 KB)"
    assert label("stdout") == "Standard output and standard error (2 KB)"
    assert label("stdout.1") == "Standard output and standard error, former (2 KB)"
    assert label("x.log", "It is not there yet.") == "x.log (cannot be read)"


@pytest.mark.parametrize("seconds", [0, -5, 1e300, float("inf"), float("nan")])
def test_a_time_that_is_none_is_not_shown(seconds):
    assert moment(seconds) is None
