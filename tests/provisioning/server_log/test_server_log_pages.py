"""The tab Server log: who sees what, what stands against it, secrets, and the log as a file."""

import pytest
from django.urls import reverse

from protocol.log_messages import LogRead, ReadLog
from provisioning.errors import NotAllowed, Refused
from provisioning.models import HistoryEntry
from provisioning.models.applications import MASK
from provisioning.server_log.services import files
from provisioning.server_log.services.files import download
from tests import factories
from tests.provisioning.pairs.pages import text_of

pytestmark = pytest.mark.django_db
SECRET = "the-client's-passcode"
FILE = {"name": "logs/ms.log", "path": "/srv/ms/logs/ms.log", "size": 40, "written": 1_800_000_000.0, "kind": "log",
        "problem": ""}
OUTPUT = {**FILE, "name": "stdout", "path": "/var/lib/MS.log", "kind": "output"}


def page_of(*lines: str, **values) -> dict:
    return {"file": "logs/ms.log", "of": "1-2", "begins": 0, "ends": 40, "size": 40, "written": 1_800_000_000.0,
            "skipped": 0, "lines": list(lines), "cut": [], "unfinished": False, "anew": False, "more": False, **values}


@pytest.fixture
def server(pair, control):
    row = pair[0]
    factories.set_option(row, "clients", "anna", SECRET)
    control.log = lambda asked: LogRead(ok=True, page=page_of("It began.", "It goes on."), files=[FILE, OUTPUT])
    return row


def at(row, name="application-server-log", **query) -> str:
    return reverse(name, args=[row.pk], query=query or None)


@pytest.mark.parametrize("role", ["support", "operator", "administrator"])
def test_everybody_with_a_role_sees_the_last_lines_and_nothing_of_it_is_in_history(server, control, role, request):
    before = HistoryEntry.objects.count()
    text = text_of(request.getfixturevalue(role).get(at(server)))
    assert all(words in text for words in ("It began.", "It goes on.", "logs/ms.log (40 bytes)", FILE["path"],
                                           "Standard output and standard error"))
    assert control.asked_logs == [ReadLog(application="MS_Primary", lines=500, listing=True)]
    assert HistoryEntry.objects.count() == before


def test_the_editor_of_a_server_has_the_tab_beside_the_form(server, support):
    body = support.get(reverse("application-edit", args=[server.pk])).content.decode()
    form = body[body.index('id="application-form"'):]
    assert form.index("</form>") < form.index(f'hx-get="{at(server)}"')
    assert 'data-tab="server-log"' in body


def test_what_pairwise_does_not_start_has_no_log(administrator):
    template = factories.make_template("Kept", type="ThirdPartyServer")
    row = factories.make_application("Kept", template=template)
    body = administrator.get(reverse("application-edit", args=[row.pk])).content.decode()
    assert "server-log" not in body.replace("js/server-log.js", "").replace("css/server-log.css", "")


def test_a_script_is_given_the_tab_alone(server, support):
    answer = support.get(at(server), headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert b'data-ends="40"' in answer.content


def test_another_file_and_what_was_before_are_asked_for_by_their_names(server, control, support):
    support.get(at(server, file="stdout", before="17"))
    assert control.asked_logs[-1] == ReadLog(application="MS_Primary", file="stdout", before=17, lines=500,
                                             listing=True)


def test_without_scripts_a_search_shows_the_lines_that_hold_it(server, support):
    text = text_of(support.get(at(server, search="GOES")))
    assert ("It goes on." in text, "It began." in text) == (True, False)


def test_lines_that_came_since_are_told_to_a_script(server, control, support):
    control.log = lambda asked: LogRead(ok=True, page=page_of("New."))
    answer = support.get(at(server, "application-server-log-lines", file="logs/ms.log", after="40", of="1-2"))
    assert (answer.json()["lines"], answer.json()["ends"], answer["Cache-Control"]) == (["New."], 40, "no-store")
    assert control.asked_logs == [ReadLog(application="MS_Primary", file="logs/ms.log", after=40, of="1-2")]


@pytest.mark.parametrize("number", ["-1", "²", "9" * 5000, "1e5", "", "x"])
def test_what_is_no_place_in_a_file_asks_for_the_last_lines(server, control, support, number):
    support.get(at(server, "application-server-log-lines", after=number, before=number))
    assert (control.asked_logs[-1].after, control.asked_logs[-1].before) == (-1, -1)


def test_why_nothing_can_be_read_is_said_with_what_to_do(server, control, support):
    control.log = lambda asked: LogRead(ok=False, reason="The agent of alpha is not connected, so its logs cannot be "
                                        "read.", advice="Start the agent.", page={"file": "logs/ms.log"})
    said = "The agent of alpha is not connected, so its logs cannot be read. Start the agent."
    assert said in text_of(support.get(at(server)))
    assert support.get(at(server, "application-server-log-lines")).json() == {"trouble": said}


def test_control_that_is_away_is_said(pair, no_control, support):
    assert "Start control" in text_of(support.get(at(pair[0])))


def test_without_a_file_in_the_options_the_page_says_what_to_set(server, control, support):
    control.log = lambda asked: LogRead(ok=True, page=page_of("ready", file="stdout"), files=[OUTPUT])
    assert "set the option all in section [log]" in text_of(support.get(at(server)))


@pytest.mark.parametrize("name", ["application-server-log", "application-server-log-lines"])
def test_no_secret_of_the_pair_is_shown(server, pair, control, support, name):
    secrets = [SECRET, server.secret, pair[1].secret, server.host.secret]
    lines = [f"I was told {secret}" for secret in secrets]
    control.log = lambda asked: LogRead(ok=True, page=page_of(*lines, "token=abcdefgh"), files=[FILE])
    body = support.get(at(server, name)).content.decode()
    assert not any(secret in body for secret in (*secrets, "abcdefgh"))
    assert body.count(MASK) + body.count("\\u") >= len(secrets) + 1


def test_what_a_log_says_is_no_markup(server, control, support):
    control.log = lambda asked: LogRead(ok=True, page=page_of("<script>alert(1)</script>"), files=[FILE])
    assert b"<script>alert" not in support.get(at(server)).content


# --- as a file


def pages_of(*parts: list[str]):
    """As an agent answers, the newest first: 100 bytes each."""
    def answer(asked: ReadLog) -> LogRead:
        end = 100 * len(parts) if asked.before < 0 else asked.before
        lines = parts[end // 100 - 1]
        return LogRead(ok=True, page=page_of(*lines, begins=end - 100, ends=end, size=100 * len(parts)))
    return answer


def test_a_download_holds_the_log_in_order_without_secrets_and_history_tells_of_it(server, control):
    control.log = pages_of(["one", SECRET], ["two"], ["three"])
    made = download(actor=factories.SUPPORT, application_id=server.pk, file="logs/ms.log")
    assert made.body.decode() == f"one\n{MASK}\ntwo\nthree\n"
    assert made.name.startswith("MS_Primary-ms.log-")
    entry = HistoryEntry.objects.order_by("-number").first()
    assert (entry.user_name, entry.object_name) == ("sue", "MS_Primary")
    assert entry.reason.startswith("Downloaded ")
    assert "logs/ms.log." in entry.reason


def test_of_a_long_log_the_newest_part_is_downloaded(server, control, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 150)
    control.log = pages_of(["one"], ["two"], ["three"])
    made = download(actor=factories.SUPPORT, application_id=server.pk, file="logs/ms.log")
    assert made.body == b"two\nthree\n"
    assert "without the 100 bytes before them" in HistoryEntry.objects.order_by("-number").first().reason


def test_a_log_that_takes_too_long_is_downloaded_as_far_as_it_came(server, control, monkeypatch):
    monkeypatch.setattr(files, "TAKES_S", -1.0)
    control.log = pages_of(["one"], ["two"])
    assert download(actor=factories.SUPPORT, application_id=server.pk, file="x").body == b"two\n"


def test_a_log_that_is_begun_anew_meanwhile_is_not_mixed_with_the_former_one(server, control):
    def answer(asked: ReadLog) -> LogRead:
        if asked.before < 0:
            return LogRead(ok=True, page=page_of("new", begins=10))
        return LogRead(ok=True, page=page_of("other", of="9-9"))

    control.log = answer
    assert download(actor=factories.SUPPORT, application_id=server.pk, file="x").body == b"new\n"


def test_a_download_that_cannot_be_read_is_refused_and_not_in_history(server, control):
    control.log = lambda asked: LogRead(ok=False, reason="No.")
    before = HistoryEntry.objects.count()
    with pytest.raises(Refused, match="No"):
        download(actor=factories.SUPPORT, application_id=server.pk, file="x")
    assert HistoryEntry.objects.count() == before


def test_only_who_may_export_downloads(server, operator):
    with pytest.raises(NotAllowed):
        download(actor=factories.OPERATOR, application_id=server.pk, file="x")
    assert operator.post(at(server, "application-server-log-download")).status_code == 403
    assert "Your role does not let you export" in operator.get(at(server)).content.decode()


def test_a_browser_is_given_a_file(server, control, support):
    answer = support.post(at(server, "application-server-log-download"), {"file": "logs/ms.log"})
    assert (answer.content, answer["Cache-Control"]) == (b"It began.\nIt goes on.\n", "no-store")
    assert 'filename="MS_Primary-ms.log-' in answer["Content-Disposition"]


def test_a_refused_download_leads_back_with_the_sentence(server, control, support):
    control.log = lambda asked: LogRead(ok=False, reason="Not today.")
    answer = support.post(at(server, "application-server-log-download"), {"file": "x"}, follow=True)
    assert "Not today." in text_of(answer)
