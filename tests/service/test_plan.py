"""What ./run install-service and the package do on a machine, as a plan: by what is there."""

from dataclasses import replace
from pathlib import Path

import pytest

from console.service import layout, plan
from console.service.plan import Facts, Remove, Rights, Systemctl, Wanted, WriteFile

WANTED = Wanted(digest="new", unit="[Unit]", settings="# none", command="#!")
UNIT, COMMAND = layout.UNITS / layout.UNIT, layout.COMMANDS / layout.COMMAND
DONE = Facts(account=True, program_there=True, digest="new", texts={UNIT: "[Unit]", COMMAND: "#!"},
             rights={**plan.RIGHTS, layout.DATA: Rights("pairwise", "pairwise", 0o700)}, enabled=True, state="active")


def said(steps):
    return [str(step) for step in steps]


def test_on_a_new_machine_everything_is_made_and_the_service_started():
    assert said(plan.install(WANTED, Facts())) == [
        "make the account pairwise, of the system, without a password and a shell",
        "make /etc/pairwise (root:pairwise, mode 0750)",
        "write /etc/pairwise/console.env (root:pairwise, mode 0640)",
        "put the program and its Python packages into /opt/pairwise (root:root)",
        "write /etc/systemd/system/pairwise-console.service (root:root, mode 0644)",
        "systemctl daemon-reload",
        "write /usr/local/bin/pairwise (root:root, mode 0755)",
        "systemctl enable pairwise-console.service",
        "systemctl start pairwise-console.service",
    ]


def test_where_everything_is_as_it_should_be_nothing_is_done():
    assert plan.install(WANTED, DONE) == []


def test_another_version_is_put_in_place_and_started():
    assert said(plan.install(replace(WANTED, digest="newer"), DONE)) == [
        "put the program and its Python packages into /opt/pairwise (root:root)",
        "systemctl restart pairwise-console.service"]


def test_a_service_that_was_stopped_is_started_and_settings_stay_as_they_are():
    steps = plan.install(replace(WANTED, settings="# other"), replace(DONE, state="inactive"))
    assert said(steps) == ["systemctl start pairwise-console.service"]


def test_settings_that_others_could_read_are_closed():
    open_ = {**DONE.rights, layout.SETTINGS: Rights("root", "root", 0o644)}
    assert said(plan.install(WANTED, replace(DONE, rights=open_))) == [
        "give /etc/pairwise/console.env to root:pairwise, mode 0640"]


@pytest.mark.parametrize("facts", [Facts(), replace(DONE, digest=""), replace(DONE, texts={}),
                                   replace(DONE, account=False, enabled=False)])
def test_what_was_installed_is_not_installed_again(facts):
    """Each step does away with the reason for it."""
    done = replace(facts, account=True, digest="new", texts=DONE.texts, enabled=True, state="active",
                   rights={**facts.rights, **plan.RIGHTS})
    assert plan.install(WANTED, facts)
    assert plan.install(WANTED, done) == []


def after(facts, step):
    """What is there once ``step`` was carried out where ``facts`` was."""
    match step:
        case plan.MakeAccount():
            return replace(facts, account=True)
        case plan.MakeDirectory(path, rights) | plan.GiveRights(path, rights):
            return replace(facts, rights={**facts.rights, path: rights})
        case WriteFile(path, text, rights):
            return replace(facts, texts={**facts.texts, path: text}, rights={**facts.rights, path: rights},
                           unread=facts.unread or path == UNIT)
        case plan.PutProgram(_, digest):
            return replace(facts, digest=digest, program_there=True, former=facts.runs)
        case Systemctl((*_, "daemon-reload")):
            return replace(facts, unread=False)
        case Systemctl(("enable", _)):
            return replace(facts, enabled=True)
        case Systemctl(("start" | "restart", _)):
            return replace(facts, state="active", former=False)
    raise AssertionError(step)


@pytest.mark.parametrize("facts", [Facts(), DONE, replace(DONE, state="activating"), replace(DONE, state="failed")],
                         ids=["new", "upgraded", "failing again and again", "given up"])
def test_after_any_step_that_failed_the_same_command_goes_on_from_there(facts):
    wanted = replace(WANTED, digest="newer", unit="[Unit] newer")
    steps = plan.install(wanted, facts)
    for broken_off_after in range(len(steps) + 1):
        there = facts
        for step in steps[:broken_off_after]:
            there = after(there, step)
        for step in plan.install(wanted, there):
            there = after(there, step)
        assert (there.state, there.former, there.unread, there.digest, there.texts[UNIT]) == (
            "active", False, False, "newer", "[Unit] newer"), steps[broken_off_after:]
        assert plan.install(wanted, there) == []


@pytest.mark.parametrize("state", ["activating", "failed", "inactive"])
def test_a_service_that_does_not_run_is_never_as_it_should_be(state):
    """Of one that ends again and again systemd says that it is about to run."""
    assert said(plan.install(WANTED, replace(DONE, state=state))) == ["systemctl start pairwise-console.service"]


def test_what_is_about_to_run_is_stopped_before_it_is_taken_away():
    assert said(plan.uninstall(replace(DONE, enabled=False, state="activating"), purge=False))[0] == (
        "systemctl disable --now pairwise-console.service")


def test_taking_it_away_leaves_settings_data_and_account():
    assert said(plan.uninstall(DONE, purge=False)) == [
        "systemctl disable --now pairwise-console.service",
        "remove /etc/systemd/system/pairwise-console.service",
        "systemctl daemon-reload",
        "remove /usr/local/bin/pairwise",
        "remove /opt/pairwise",
    ]


def test_only_a_purge_removes_data():
    assert [step for step in plan.uninstall(DONE, purge=True) if step not in plan.uninstall(DONE, purge=False)] == [
        Remove(layout.CONFIGURATION), Remove(layout.DATA)]


def test_what_is_not_there_is_not_taken_away():
    assert plan.uninstall(Facts(program_there=True), purge=True) == []


def test_a_package_starts_at_first_and_leaves_alone_later_what_somebody_stopped():
    first, later = (plan.settle(DONE, first=first) for first in (True, False))
    assert said(first)[-3:] == ["systemctl enable pairwise-console.service", "systemctl daemon-reload",
                                "systemctl --no-block restart pairwise-console.service"]
    assert later == [Systemctl(("daemon-reload",)), Systemctl(("--no-block", "try-restart", layout.UNIT))]


def test_a_package_in_a_root_that_does_not_run_is_enabled_only():
    assert plan.settle(replace(DONE, systemd=False), first=True) == [Systemctl(("enable", layout.UNIT))]


@pytest.mark.parametrize(("facts", "said"), [
    pytest.param(replace(DONE, packaged=True), "as a package", id="packaged"),
    pytest.param(replace(DONE, digest=""), "move it away", id="something else in its place"),
    pytest.param(replace(DONE, unfit="is below /root"), "below /root", id="a Python that the account does not reach"),
    pytest.param(replace(DONE, systemd=False), "no systemd", id="no systemd"),
    pytest.param(DONE, "", id="nothing against it"),
])
def test_why_it_cannot_be_installed(facts, said):
    why = facts.why_not_installed(Path("/home/me/pairwise"))
    assert said in why
    assert bool(why) == bool(said)


def test_a_checkout_in_the_place_of_the_program_is_not_written_over():
    assert "move the checkout" in DONE.why_not_installed(Path("/opt/pairwise"))


def test_an_upgrade_without_what_asks_the_directory_that_is_set_is_refused():
    asks = replace(DONE, asks_directory=True)
    assert "run ./run install-service --with-ldap" in asks.why_more_packages(with_ldap=False)
    assert asks.why_more_packages(with_ldap=True) == DONE.why_more_packages(with_ldap=False) == ""


def test_only_root_may():
    assert "Only root" in replace(DONE, is_root=False).why_no_service()


def test_nothing_that_root_runs_or_reads_can_be_changed_by_the_account():
    written = [step for step in plan.install(WANTED, Facts()) if isinstance(step, WriteFile)]
    rights = [step.rights for step in written] + list(plan.RIGHTS.values())
    assert written
    assert all(each.owner == "root" and not each.mode & 0o022 for each in rights)
