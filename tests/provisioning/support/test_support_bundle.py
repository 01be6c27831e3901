"""Support bundles: what is inside, that no secret is, how big they get, and who may make one."""

import base64
import hashlib
import json
import secrets
import zipfile
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
import yaml
from django.db import OperationalError
from django.utils import timezone

from protocol.version import VERSION
from provisioning.audit.worker.run import run_audit
from provisioning.core.redaction import Redactor
from provisioning.errors import NotAllowed, NotFound, Refused
from provisioning.hosts.services.enrolment import make_token
from provisioning.models import (
    Console,
    Drill,
    Event,
    Finding,
    FoundOnHost,
    HistoryEntry,
    HostRuntime,
    JobLine,
    PairState,
    Waiver,
)
from provisioning.models.applications import MASK
from provisioning.states import AuditTrigger, DrillState
from provisioning.support.services import bundle as support_bundle
from provisioning.support.services import log_lines
from provisioning.support.services import parts as support_parts
from provisioning.support.services.bundle import make_bundle
from tests import factories
from tests.commands import run as command
from tests.planted.traces import given_away

pytestmark = pytest.mark.django_db


@pytest.fixture
def logs(settings, tmp_path):
    settings.PAIRWISE_DATA_DIR = tmp_path / "data"
    directory = settings.PAIRWISE_DATA_DIR / "logs"
    directory.mkdir(parents=True)
    (directory / "web.log").write_text("web is ready\n")
    return directory


@pytest.fixture
def pair(logs):
    primary, backup = factories.make_pair()
    job = factories.make_job(primary, created_by="otto", reason="It did not start.")
    JobLine.objects.create(job=job, number=1, at=timezone.now(), text="Starting MS_Primary")
    Event.objects.create(at=timezone.now(), number=20100, application=backup, text="MS_Backup was granted the role.")
    FoundOnHost.objects.create(application=primary, host=primary.host, at=timezone.now(), body={"files": ["run.sh"]})
    run_audit(trigger=AuditTrigger.DEMAND)
    return primary, backup


def made(pair, **values) -> dict[str, str]:
    """{path within the bundle: text}."""
    bundle = make_bundle(actor=factories.SUPPORT, application_id=pair[0].pk, **values)
    with bundle.file, zipfile.ZipFile(bundle.file) as archive:
        (root,) = {name.partition("/")[0] for name in archive.namelist()}
        assert bundle.name == f"{root}.zip"
        return {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}


def test_everything_that_helps_is_inside_and_the_readme_says_what_it_is(pair):
    files = made(pair)
    shown = files["README.txt"]
    for path in files.keys() - {"README.txt"}:
        assert f"  {path} " in shown, path
    assert "MS_Primary ⇄ MS_Backup" in shown
    manifest = yaml.safe_load(files["configuration/pair.yaml"])
    assert [row["name"] for row in manifest["applications"]] == ["MS_Backup", "MS_Primary"]
    assert json.loads(files["pair.json"])["record"]["epoch"] == 3
    assert json.loads(files["now/server-MS_Primary.json"])["found_on_host"]["body"] == {"files": ["run.sh"]}
    assert json.loads(files[f"now/host-{pair[0].host.name}.json"])["status"] == "Running"
    assert json.loads(files["audit/now.json"])["pairs"][0]["primary"] == "MS_Primary"
    assert "MS_Primary ⇄ MS_Backup" in files["audit/now.html"]
    assert "MS_Backup was granted the role." in files["events.txt"]
    (log,) = [text for path, text in files.items() if path.startswith("jobs/") and path.endswith(".log")]
    assert "Starting MS_Primary" in log
    assert json.loads(files["versions.json"])["console"] == VERSION
    assert files["logs/web.log"] == "web is ready\n"


def test_the_sums_are_those_of_the_files(pair):
    files = made(pair)
    sums = dict(line.split("  ")[::-1] for line in files.pop("SHA256SUMS").splitlines())
    assert sums == {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}


def test_only_what_happened_in_the_time_is_inside(pair):
    now = timezone.now()
    Event.objects.create(at=now - timedelta(days=3), application=pair[0], text="Long ago.")
    assert "Long ago." not in made(pair)["events.txt"]
    files = made(pair, since=now - timedelta(days=4), until=now - timedelta(days=2))
    assert "Long ago." in files["events.txt"]
    assert "granted" not in files["events.txt"]
    assert not [path for path in files if path.startswith("jobs/")]


def test_what_happened_to_other_servers_of_the_same_host_is_not_inside(pair):
    now, host = timezone.now() - timedelta(seconds=1), pair[0].host
    other = factories.make_application("Other", host=host)
    Event.objects.create(at=now, application=other, host=host, text="Not ours.")
    Event.objects.create(at=now, host=host, text="The host is back.")
    events = made(pair)["events.txt"]
    assert "The host is back." in events
    assert "Not ours." not in events


def test_drills_are_inside_when_there_are_some(pair):
    assert "drills.json" not in made(pair)
    Drill.objects.create(primary=pair[0], primary_name="MS_Primary", backup_name="MS_Backup", asked_by="otto",
                         state=DrillState.PASSED, sentence="It took 0.8 s.", finished_at=timezone.now())
    assert json.loads(made(pair)["drills.json"])[0]["sentence"] == "It took 0.8 s."


def test_history_says_that_it_was_made(pair):
    made(pair)
    entry = HistoryEntry.objects.order_by("number").last()
    assert (entry.user_name, entry.object_name, entry.action) == ("sue", "MS_Primary", "operated")
    assert entry.reason.startswith("Made a support bundle of ")


def test_a_single_server_has_one_too(logs):
    row = factories.make_application("Alone", host=factories.make_host(), installed=True)
    files = made((row,))
    assert json.loads(files["pair.json"])["record"] is None
    assert "was never audited" in files["README.txt"]


# --- log records


def recorded(files) -> list[dict]:
    return [json.loads(line) for line in files["log-records.jsonl"].splitlines()]


@pytest.fixture
def collected(pair):
    """Log records of a moment ago, the oldest first, and the pair is chosen to collect them."""
    Console.objects.update_or_create(pk=1, defaults={"log_to": pair[0]})
    at = int(timezone.now().timestamp() * 1000) - 60_000
    host = pair[0].host.name
    for number, (application, on) in enumerate([
            ("MS_Primary", host), ("MS_Backup", ""), ("Other", host), ("MS_Primary_2", host), ("Pairwise", host),
            ("Pairwise", "elsewhere"), ("Pairwise", ""), ("MS_Primary", "elsewhere")]):
        factories.make_record(at=at + number, application=application, host=on, text=f"Said {number}.")
    return at


def test_log_records_of_the_pair_and_its_hosts_are_inside_newest_first(pair, collected):
    files = made(pair)
    assert [row["text"] for row in recorded(files)] == ["Said 7.", "Said 4.", "Said 1.", "Said 0."]
    assert recorded(files)[0]["application"] == "MS_Primary"
    assert "log-records.jsonl:" not in files["README.txt"]


def test_log_records_are_those_of_the_time(pair, collected):
    at = datetime.fromtimestamp((collected + 1) / 1000, UTC)
    files = made(pair, since=at, until=at + timedelta(milliseconds=6))
    assert [row["text"] for row in recorded(files)] == ["Said 4.", "Said 1."]


def test_too_many_log_records_are_cut_at_a_whole_line_and_the_readme_says_so(pair, collected, monkeypatch):
    whole = made(pair)["log-records.jsonl"]
    monkeypatch.setattr(support_parts, "PART_CHARACTERS", len(whole) - 1)
    files = made(pair)
    assert [row["text"] for row in recorded(files)] == ["Said 7.", "Said 4.", "Said 1."]
    assert "log-records.jsonl: Only the newest 3 are here" in files["README.txt"]
    monkeypatch.undo()
    monkeypatch.setattr(log_lines, "RECORDS_MAX", 2)
    assert len(recorded(made(pair))) == 2


def test_who_collects_no_log_records_is_told_so(pair):
    files = made(pair)
    assert files["log-records.jsonl"] == ""
    assert "log-records.jsonl: No pair is chosen to collect logs." in files["README.txt"]
    assert "log-records.jsonl: There are none of that time." in files["README.txt"]


def test_a_bundle_is_made_while_the_log_database_is_away(pair, collected, monkeypatch):
    def away(**whose):
        raise OperationalError("unable to open database file")

    monkeypatch.setattr(log_lines, "newest", away)
    files = made(pair)
    assert files["log-records.jsonl"] == ""
    assert "log-records.jsonl: The log database does not answer" in files["README.txt"]
    assert "granted" in files["events.txt"]


# --- secrets

def everywhere(pair, secret: str) -> None:
    """``secret`` in every row that has a text of its own, and in a log."""
    primary, _ = pair
    now = timezone.now()
    Event.objects.create(at=now, application=primary, text=f"Event {secret}")
    job = factories.make_job(pair[1], state="failed", finished_at=now, reason=f"Reason {secret}", advice=secret,
                             result={"x": [secret]}, arguments={"deep": {secret: secret}})
    JobLine.objects.create(job=job, number=1, at=now, text=f"Line {secret}")
    factories.make_record(application="MS_Primary", text=f"Record {secret}", attributes={"x": secret})
    HostRuntime.objects.filter(host=primary.host).update(facts={"x": secret}, reason=secret)
    FoundOnHost.objects.update(body={"start_files": {"content": f"-app {secret}"}})
    PairState.objects.update(reason=secret)
    Finding.objects.update(sentence=f"Found {secret}", values=[["Wanted", secret], ["Found", quote(secret)]])
    Waiver.objects.create(primary=primary, code="A30", subject="x", fact="f", sentence=secret, reason=secret,
                          waived_by="sue", expires_on=now.date())
    Drill.objects.create(primary=primary, primary_name="MS_Primary", backup_name="MS_Backup", asked_by="otto",
                         state=DrillState.FAILED, sentence=secret, preflight=[{"sentence": secret}], finished_at=now)
    type(primary).objects.filter(pk=primary.pk).update(description=secret)
    coded = base64.b64encode(f"user:{secret}".encode()).decode()
    (support_parts.settings.PAIRWISE_DATA_DIR / "logs" / "control.log").write_text(
        f"{secret} {secret!r} {quote(secret, safe='')} {secret.encode().hex()} Basic {coded}\n")


def test_no_secret_is_inside_whichever_it_is_and_wherever_it_was_planted(pair, settings):
    primary, backup = pair
    typed = {name: f"{name}+{secrets.token_urlsafe(12)}/&'" for name in ("client", "option", "annex")}
    for section, key, annex, name in (("clients", "ann", False, "client"), ("log", "db-password", False, "option"),
                                      ("security", "api-key", True, "annex")):
        factories.set_option(backup, section, key, typed[name], annex=annex)
    token = make_token(actor=factories.ADMINISTRATOR, host_id=primary.host_id)
    settings.PAIRWISE_REDIS_URL = "redis://:broker+password/@127.0.0.1:1/0".replace("+password/", "%2Bpassword%2F")
    known = {**typed, "application": primary.secret, "other application": backup.secret, "host": primary.host.secret,
             "console": settings.SECRET_KEY, "token": token.token, "broker": "broker+password/"}
    everywhere(pair, " ".join(known.values()))
    files = made(pair)
    for path, text in files.items():
        assert given_away(known, text) == [], path
    assert files["logs/control.log"].count(MASK) >= 4 * len(known)


def test_what_only_looks_like_a_secret_is_taken_out_of_logs_and_texts(pair, logs):
    (logs / "web.log").write_text("connecting to postgres://pairwise:hunter2@db/pairwise\npassword=hunter2\n")
    assert "hunter2" not in made(pair)["logs/web.log"]


def test_a_bundle_with_a_secret_is_never_handed_out(pair, monkeypatch):
    # A part that forgets to clean its text is a fault that nothing from outside can cause.
    monkeypatch.setattr(Redactor, "text", lambda self, text: text)
    Event.objects.create(at=timezone.now(), application=pair[0], text=f"Its secret is {pair[0].secret}.")
    before = HistoryEntry.objects.count()
    with pytest.raises(Refused, match=r"events\.txt"):
        made(pair)
    assert HistoryEntry.objects.count() == before


# --- bounds

def test_what_is_too_much_is_cut_and_the_readme_says_so(pair, logs, monkeypatch):
    monkeypatch.setattr(support_parts, "EVENTS_MAX", 2)
    monkeypatch.setattr(support_parts, "LOG_BYTES", 100)
    for number in range(5):
        Event.objects.create(at=timezone.now(), application=pair[0], text=f"Event number {number}.")
    (logs / "web.log").write_text("".join(f"line {number}\n" for number in range(100)))
    files = made(pair)
    assert [line[-15:] for line in files["events.txt"].splitlines()] == ["Event number 3.", "Event number 4."]
    assert files["logs/web.log"].startswith("line ")
    assert files["logs/web.log"].endswith("line 99\n")
    assert "events.txt holds the newest 2 only" in files["README.txt"]
    assert "logs/web.log holds the last" in files["README.txt"]


def test_a_full_bundle_says_what_is_missing(pair, monkeypatch):
    monkeypatch.setattr(support_bundle, "BUNDLE_BYTES", 3000)
    files = made(pair)
    assert "what comes after it were left out: the bundle was full." in files["README.txt"]
    assert "SHA256SUMS" in files


def test_a_log_that_is_no_file_is_not_followed(pair, logs, tmp_path):
    (tmp_path / "elsewhere").write_text("not a log")
    (logs / "link.log").symlink_to(tmp_path / "elsewhere")
    assert made(pair).get("logs/link.log", "") == ""


def test_times_that_cannot_be_are_refused(pair):
    now = timezone.now()
    with pytest.raises(Refused, match="not before"):
        made(pair, since=now, until=now - timedelta(hours=1))
    with pytest.raises(Refused, match="92 days"):
        made(pair, since=now - timedelta(days=100))
    with pytest.raises(NotFound):
        make_bundle(actor=factories.SUPPORT, application_id=999_999)
    with pytest.raises(NotAllowed):
        make_bundle(actor=factories.OPERATOR, application_id=pair[0].pk)


# --- page and command

def test_the_dialog_says_what_is_inside_and_sends_the_archive(support, pair):
    address = f"/monitoring/pairs/{pair[0].pk}/bundle/"
    assert "Passwords, keys and tokens are taken out" in support.get(address).content.decode()
    answer = support.post(address, {"time": "hour"})
    body = b"".join(answer.streaming_content)
    assert answer["Content-Type"] == "application/zip"
    assert len(body) == int(answer["Content-Length"])
    assert answer["Content-Disposition"].startswith('attachment; filename="pairwise-support-MS_Primary-')


@pytest.mark.parametrize(("sent", "sentence"), [
    ({"time": "own"}, "Say from when"), ({"time": "own", "since": "2020-01-01T00:00"}, "more than 92 days"),
    ({"time": "own", "since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "not before the end"),
    ({"time": "year"}, "Select a valid choice")])
def test_the_dialog_refuses_what_cannot_be_beside_the_field(support, pair, sent, sentence):
    answer = support.post(f"/monitoring/pairs/{pair[0].pk}/bundle/", sent)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("since", ["0001-01-01T00:00", "0001-01-01T00:00+14:00", "1969-12-31T23:59", "9999-12-31T23:59",
                                   "9999-12-31T23:59-14:00"])
def test_a_time_at_the_edge_of_the_calendar_is_refused(support, pair, since, zone, settings):
    settings.TIME_ZONE = zone
    for times in ({"since": since}, {"since": "2026-01-01T00:00", "until": since}, {"since": since, "until": since}):
        answer = support.post(f"/monitoring/pairs/{pair[0].pk}/bundle/", {"time": "own", **times})
        assert answer.status_code == 422
        assert "is not taken here. Name one from 1970 to 8999." in answer.content.decode()
    with pytest.raises(Refused, match="is not taken here"):
        made(pair, until=datetime(1, 1, 1, tzinfo=UTC))


def test_the_pair_page_offers_it(support, pair):
    assert f'href="/monitoring/pairs/{pair[0].pk}/bundle/"' in support.get(
        f"/monitoring/pairs/{pair[0].pk}/").content.decode()


def test_the_pair_page_says_why_an_operator_may_not(operator, pair):
    shown = operator.get(f"/monitoring/pairs/{pair[0].pk}/").content.decode()
    assert "Your role does not let you export the configuration, reports and bundles." in shown
    assert operator.post(f"/monitoring/pairs/{pair[0].pk}/bundle/", {"time": "day"}).status_code == 403


def test_the_command_writes_the_archive_once(pair, tmp_path):
    file = tmp_path / "bundle.zip"
    code, out, err = command("support_bundle", "MS_Backup", "--since", "7d", "--output", str(file))
    assert (code, err) == (0, "")
    assert "README.txt" in out
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
    code, _, err = command("support_bundle", "MS_Backup", "--output", str(file))
    assert (code, "is there already" in err) == (2, True)
    body = json.loads(command("support_bundle", "MS_Primary", "--json", "--output", str(tmp_path / "2.zip"))[1])
    assert body["bytes"] == (tmp_path / "2.zip").stat().st_size


@pytest.mark.parametrize("words", [["Nobody"], ["MS_Primary", "--since", "soon"],
                                   ["MS_Primary", "--since", "2999-01-01"], ["MS_Primary", "--since", "99999d"],
                                   ["MS_Primary", "--since", "0001-01-01"], ["MS_Primary", "--until", "0001-01-01"],
                                   ["MS_Primary", "--output", "/nowhere/x.zip"]])
def test_the_command_refuses_with_2_and_a_sentence(pair, words):
    code, _, err = command("support_bundle", *words)
    assert code == 2
    assert err.strip().endswith(".")
