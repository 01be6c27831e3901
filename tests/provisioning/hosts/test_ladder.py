"""How far a host is reachable: each rung says what was proven, or what to do."""

import pytest

from provisioning.hosts.rules.ladder import Installed, LadderFacts, ladder

WELL = {"name": "alpha", "ip_address": "192.0.2.1", "addresses": ("192.0.2.1",), "reverse": "alpha.example",
        "status": "Running", "heard_s": 2.0, "worker_alive": True, "answers": True, "offset_s": 0.1,
        "disk_free_bytes": 10 * 1024**3, "agent_version": "1", "console_version": "1",
        "account": "root", "accounts": {}, "resolved": {}, "comes_back_by": "systemd"}


def found(**fields):
    return ladder(LadderFacts(**{**WELL, **fields}))


def rung(label, **fields):
    return next(each for each in found(**fields).rungs if each.label == label)


def test_a_host_that_is_well_holds_on_every_rung():
    whole = found(applications=(Installed(name="MS", status="Started", version="1"),))
    assert whole.is_whole
    assert whole.deepest == "Applications"
    assert {each.state for each in whole.rungs} == {"ok"}
    assert not any(each.advice for each in whole.rungs)


@pytest.mark.parametrize(("label", "fields", "state", "text", "advice"), [
    ("Name resolves", {"addresses": None}, "late", "did not answer", "name service"),
    ("Name resolves", {"addresses": ()}, "late", "alpha does not resolve here", "Correct"),
    ("Name resolves", {"addresses": ("192.0.2.9",)}, "late", "resolves to 192.0.2.9 here, IP Address is", "IP Address"),
    ("Name resolves", {"reverse": ""}, "late", "192.0.2.1 has no name here", "reverse entry"),
    ("Name resolves", {"reverse": "beta"}, "late", "192.0.2.1 belongs to beta here", "reverse entry"),
    ("Agent connected", {"heard_s": None}, "failed", "never heard of", "Paste the line"),
    ("Agent connected", {"status": "Disconnected", "reason": "The line is cut."}, "failed",
     "The line is cut. Last word", "Is the machine on"),
    ("Agent connected", {"heard_s": 60.0}, "failed", "60 s ago", "is control running"),
    ("Worker answers", {"answers": None}, "unknown", "not asked", "First let the agent connect"),
    ("Worker answers", {"answers": False}, "failed", "did not answer over the broker", "broker's port"),
    ("Worker answers", {"answers": False, "worker_alive": False}, "failed", "does not run", "worker.log"),
    ("Console's name resolves there", {"resolved": None}, "unknown", "did not say", "Upgrade"),
    ("Console's name resolves there", {"resolved": {"pairwise.example": []}}, "failed",
     "pairwise.example does not resolve on the host", "/etc/hosts"),
    ("Accounts", {"accounts": None}, "unknown", "did not say", "Upgrade"),
    ("Accounts", {"accounts": {"msg": "missing", "root": "ok"}}, "failed", "Log On As msg: no such account",
     "Create it"),
    ("Accounts", {"accounts": {"msg": "not permitted"}, "account": "otto"}, "failed",
     "the agent runs as otto and cannot change", "as root"),
    ("Accounts", {"accounts": {"pairwise": "console"}}, "late", "servers could read its secrets", "pairwise-servers"),
    ("Accounts", {"wrong_accounts": ("MS runs as root, its Log On As is msg.",)}, "late", "MS runs as root", "Stop it"),
    ("Comes back after a restart", {"comes_back_by": None}, "unknown", "did not say", "Upgrade"),
    ("Comes back after a restart", {"comes_back_by": "nothing"}, "late", "Nothing starts the agent", "boot.py"),
    ("Clock", {"offset_s": None}, "unknown", "did not say", "Upgrade"),
    ("Clock", {"offset_s": -6.0}, "late", "6.0 s behind the console", "time server"),
    ("Clock", {"offset_s": 301.0}, "failed", "301.0 s ahead of the console", "Set its clock"),
    ("Disk", {"disk_free_bytes": -1}, "unknown", "not known", "once it is connected"),
    ("Disk", {"disk_free_bytes": 500 * 1024**2}, "late", "0.5 GB free", "Free some space"),
    ("Disk", {"disk_free_bytes": 0}, "failed", "0.0 GB free", "cannot store"),
    ("Agent version", {"agent_version": ""}, "unknown", "Not known", "when it connects"),
    ("Agent version", {"console_version": "2"}, "late", "1; the console has 2", "Upgrade Agent"),
    ("Agent version", {"agent_build": "1-a", "console_build": "1-b"}, "late", "1-a; the console has 1-b",
     "Upgrade Agent"),
    ("Applications", {"applications": (Installed(name="MS", status="Gave Up", version="1"),)}, "failed", "Gave up: MS",
     "Start begins anew"),
    ("Applications", {"applications": (Installed(name="MS", status="Stopped"),)}, "late", "0 of 1 installed",
     "Install"),
    ("Applications", {"applications": (Installed(name="MS", status="Started", version="1", package_version="2"),)},
     "late", "Another version than the newest package: MS", "again"),
])
def test_a_rung_that_does_not_hold_says_what_to_do(label, fields, state, text, advice):
    each = rung(label, **fields)
    assert each.state == state
    assert text in each.text
    assert advice in each.advice


def test_the_deepest_rung_is_the_one_before_the_first_that_does_not_hold():
    assert found(answers=False).deepest == "Agent connected"
    assert found(heard_s=None).deepest == "Name resolves"
    assert found(addresses=(), offset_s=6.0).is_whole  # warnings are no obstacle


@pytest.mark.parametrize(("fields", "said"), [
    ({}, "Every rung holds"), ({"offset_s": 6.0}, "9 of 10 rungs hold, 1 to look at"),
    ({"answers": False, "offset_s": 6.0}, "Holds up to: Agent connected"),
    ({"addresses": None, "enabled": False, "heard_s": None}, "Holds up to: Name resolves"),
])
def test_the_summary_never_says_that_every_rung_holds_beside_one_to_look_at(fields, said):
    whole = found(**fields)
    assert whole.summary == said
    assert ("Every" in said) == ({each.state for each in whole.rungs} == {"ok"})


def test_what_pairwise_never_installs_does_not_count_as_missing():
    kept = Installed(name="MS_Old", status="", is_runnable=False)
    installed = Installed(name="MS", status="Started", version="1")
    both, alone = (rung("Applications", applications=rows) for rows in ((installed, kept), (kept, kept)))
    assert (both.state, both.text) == ("ok", "1 of 1 installed. 1 is of types that Pairwise does not install.")
    assert (alone.state, alone.text) == ("ok", "2 are of types that Pairwise does not install.")


def test_an_agent_beside_its_console_has_no_build_to_compare():
    assert rung("Agent version", agent_build="", console_build="1-b").state == "ok"
