"""The comparison of a pair, pure: what is equal, what is intended, what is copied."""

from dataclasses import replace

import pytest

from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.models.applications import MASK
from provisioning.pairs.rules.members import Machine, Member
from provisioning.pairs.rules.synchronization import DIFFERS, EQUAL, EXCEPTION, Row, compare, label_of

PORTS = (PortDraft(port_id="default", port=7001, protocol="stomp", description="Clients"),
         PortDraft(port_id="sync", port=7002, protocol="sync", ha_sync=True))
BACKUP_PORTS = tuple(replace(port, port=port.port + 100) for port in PORTS)
OPTIONS = {"log": {"verbose": "standard", "all": "logs/primary.log"}, "clients": {"bench": "benchpass"},
           "messages": {"retention-days": "7"}}
DRAFT = ApplicationDraft(name="MS_Primary", template_id=1, ports=PORTS, options=OPTIONS, annex={}, connections=())
BETA = Machine(id=2, name="beta")


def found(primary=None, backup=None, *, exceptions=None, taken=frozenset(), of_backup=None):
    """Both members equal but for what is given: ``primary`` and ``backup`` are changes of the drafts."""
    one = replace(DRAFT, **(primary or {}))
    other = replace(DRAFT, **{"name": "MS_Backup", "ports": BACKUP_PORTS, **(backup or {})})
    own = {"template": "T", "version": "8.5"}
    return compare(Member(id=1, draft=one, **own), Member(id=2, draft=other, host=BETA, **own | (of_backup or {})),
                   exceptions=exceptions or {}, taken=frozenset(taken) | {port.port for port in other.ports})


def row(comparison, what):
    [one] = [each for each in comparison.rows if each.what == what]
    return one


def states(comparison):
    return {each.what: each.state for each in comparison.rows if each.state != EQUAL}


def options(**changes):
    return {**{section: dict(keys) for section, keys in OPTIONS.items()}, **changes}


NUMBERS = {"ports.default.port": EXCEPTION, "ports.sync.port": EXCEPTION}


def test_members_that_differ_in_port_numbers_only_need_nothing():
    comparison = found()
    assert states(comparison) == NUMBERS
    assert comparison.copied == ()
    assert comparison.draft == replace(DRAFT, name="MS_Backup", ports=BACKUP_PORTS)
    assert row(comparison, "ports.default.port").reason == "Each member has port numbers of its own."


@pytest.mark.parametrize(("field", "value", "text"), [
    ("startup_timeout", 30, "30 s"), ("shutdown_timeout", 31, "31 s"), ("reconnect_timeout", 5, "5 s"),
    ("reconnect_attempts", 3, "3"), ("auto_restart", True, "Yes"), ("tenants", "East", "East")])
def test_server_info_is_copied_from_the_primary(field, value, text):
    comparison = found(primary={field: value})
    one = row(comparison, field)
    assert (one.state, one.primary, one.copied, one.action) == (DIFFERS, text, True, f"MS_Backup gets {text}.")
    assert getattr(comparison.draft, field) == value


@pytest.mark.parametrize("field", ["name", "host_id", "working_directory", "command_line", "command_line_arguments",
                                   "description", "log_on_as", "enabled"])
def test_what_is_a_members_own_is_not_touched(field):
    comparison = found(backup={field: "x"})
    assert getattr(comparison.draft, field) == "x"
    assert comparison.copied == ()


def test_auto_restart_of_the_backup_stays_on_as_the_guide_wants():
    comparison = found(backup={"auto_restart": True})
    assert row(comparison, "auto_restart").state == EXCEPTION
    assert comparison.draft.auto_restart is True


def test_version_and_template_are_shown_and_left_to_people():
    comparison = found(of_backup={"version": "8.4", "template": "Old"})
    for what, action in (("version", "Install the same version on both."),
                         ("template", "Create the backup from the same template.")):
        one = row(comparison, what)
        assert (one.state, one.copied, one.action) == (DIFFERS, False, action)


# --- options


def test_options_are_copied_removed_and_kept():
    comparison = found(backup={"options": options(messages={"retention-days": "14", "retention-mb": "5"},
                                                  log={"verbose": "all", "all": "logs/backup.log"}, extra={"a": "b"})})
    assert states(comparison) == {
        **NUMBERS, "options.messages.retention-days": DIFFERS, "options.messages.retention-mb": DIFFERS,
        "options.log.verbose": DIFFERS, "options.log.all": EXCEPTION, "options.extra.a": DIFFERS}
    assert row(comparison, "options.log.all").reason == "Each member writes log files of its own."
    assert row(comparison, "options.messages.retention-mb").action == "MS_Backup loses it."
    assert comparison.draft.options == options(log={"verbose": "standard", "all": "logs/backup.log"})


def test_an_option_that_the_backup_lacks_is_added():
    comparison = found(backup={"options": {}})
    assert row(comparison, "options.messages.retention-days").backup == "(none)"
    # Log outputs are the member's own, also when it has none.
    assert comparison.draft.options == options(log={"verbose": "standard"})


def test_secrets_are_compared_and_copied_and_never_shown():
    comparison = found(backup={"options": options(clients={"bench": "otherpass"})})
    one = row(comparison, "options.clients.bench")
    assert (one.primary, one.backup, one.state) == (MASK, MASK, DIFFERS)
    assert "pass" not in str(comparison.rows)
    assert comparison.draft.options["clients"] == {"bench": "benchpass"}
    assert row(found(), "options.clients.bench").state == EQUAL


def test_rights_of_logins_are_copied_and_shown():
    rights = {"client-rights": {"token-reader": "read=/topic/a*"}}
    comparison = found(primary={"options": options(**rights)})
    one = row(comparison, "options.client-rights.token-reader")
    assert (one.primary, one.backup, one.copied) == ("read=/topic/a*", "(none)", True)
    assert comparison.draft.options["client-rights"] == rights["client-rights"]


def test_names_of_options_are_equal_in_upper_and_lower_case():
    comparison = found(backup={"options": options(messages={}, Messages={"Retention-Days": "7"})})
    assert states(comparison) == NUMBERS


def test_the_annex_is_compared_too():
    comparison = found(primary={"annex": {"sml": {"suspending-wait-timeout": "20"}}})
    assert row(comparison, "annex.sml.suspending-wait-timeout").label == "Annex [sml] suspending-wait-timeout"
    assert comparison.draft.annex == {"sml": {"suspending-wait-timeout": "20"}}


# --- ports


@pytest.mark.parametrize(("field", "value", "text"), [
    ("protocol", "addp", "addp"), ("ha_sync", True, "Yes"), ("listening_mode", "secured", "Secured"),
    ("application_parameters", "a=1", "a=1"), ("description", "All", "All")])
def test_a_port_of_the_same_id_gets_what_the_primary_has_and_keeps_its_number(field, value, text):
    comparison = found(primary={"ports": (replace(PORTS[0], **{field: value}), PORTS[1])})
    one = row(comparison, f"ports.default.{field}")
    assert (one.state, one.primary, one.copied) == (DIFFERS, text, True)
    assert comparison.draft.ports[0] == replace(BACKUP_PORTS[0], **{field: value})


def test_a_port_that_the_backup_lacks_gets_a_number_that_is_free_on_its_host():
    comparison = found(primary={"ports": (*PORTS, PortDraft(port_id="tls", port=7101, listening_mode="secured",
                                                            transport_parameters="tls=1;certificate=/p.pem"))},
                       taken={7103})
    one = row(comparison, "ports.tls")
    assert (one.primary, one.backup, one.state) == ("7101", "(none)", DIFFERS)
    assert one.action == ("MS_Backup gets this port with number 7104, which is free on host beta. Then enter its "
                          "certificate in Port Info.")
    assert comparison.draft.ports[2] == PortDraft(port_id="tls", port=7104, listening_mode="secured",
                                                  transport_parameters="tls=1")


def test_two_ports_that_are_missing_get_different_numbers_and_the_search_goes_round():
    new = (PortDraft(port_id="a", port=65535), PortDraft(port_id="b", port=65534))
    comparison = found(primary={"ports": (*PORTS, *new)}, taken={65534, *range(1024, 2000)})
    assert [port.port for port in comparison.draft.ports[2:]] == [65535, 2000]


def test_a_port_that_only_the_backup_has_is_removed_and_said():
    extra = PortDraft(port_id="old", port=7199)
    comparison = found(backup={"ports": (*BACKUP_PORTS, extra)})
    assert row(comparison, "ports.old").action == "MS_Backup loses this port: MS_Primary has none of this ID."
    assert comparison.draft.ports == BACKUP_PORTS


def test_certificate_key_and_address_are_each_members_own():
    primary = replace(PORTS[0], listening_mode="secured", transport_parameters="tls=1;certificate=/a.pem;"
                      "certificate-key=/a.key;trusted-ca=/ca.pem;address=10.0.0.1")
    backup = replace(BACKUP_PORTS[0], listening_mode="secured",
                     transport_parameters="certificate=/b.pem;tls=1;certificate-key=/b.key;trusted-ca=/old.pem")
    comparison = found(primary={"ports": (primary, PORTS[1])}, backup={"ports": (backup, BACKUP_PORTS[1])})
    at = "ports.default.transport_parameters"
    assert {what: state for what, state in states(comparison).items() if what.startswith(at)} == {
        at: DIFFERS, f"{at}.certificate": EXCEPTION, f"{at}.certificate-key": EXCEPTION, f"{at}.address": EXCEPTION}
    assert comparison.draft.ports[0].transport_parameters == (
        "tls=1;trusted-ca=/ca.pem;certificate=/b.pem;certificate-key=/b.key")
    again = found(primary={"ports": (primary, PORTS[1])}, backup={"ports": comparison.draft.ports})
    assert again.copied == ()


def test_a_certificate_that_the_backup_lacks_is_left_to_people():
    primary = replace(PORTS[0], listening_mode="secured", transport_parameters="tls=1;certificate=/a.pem")
    comparison = found(primary={"ports": (primary, PORTS[1])})
    one = row(comparison, "ports.default.transport_parameters.certificate")
    assert (one.state, one.copied) == (DIFFERS, False)
    assert one.action == "Enter the certificate of MS_Backup in Port Info."
    assert comparison.draft.ports[0].transport_parameters == "tls=1"


def test_port_ids_that_differ_in_case_are_one_port_that_is_renamed():
    comparison = found(backup={"ports": (replace(BACKUP_PORTS[0], port_id="Default"), BACKUP_PORTS[1])})
    assert row(comparison, "ports.default.port_id").state == DIFFERS
    assert comparison.draft.ports == BACKUP_PORTS


def test_parameters_that_cannot_be_read_are_compared_as_they_are():
    odd = replace(PORTS[0], transport_parameters="odd text")
    comparison = found(primary={"ports": (odd, PORTS[1])})
    assert comparison.draft.ports[0].transport_parameters == "odd text"


# --- connections, exceptions


def test_connections_of_the_primary_are_copied_but_not_one_to_the_backup_itself():
    rows = (ConnectionDraft(server_id=9), ConnectionDraft(server_id=2))
    one = Member(id=1, draft=replace(DRAFT, connections=rows), connections=("Other default", "MS_Backup x"))
    other = Member(id=2, draft=replace(DRAFT, name="MS_Backup", ports=BACKUP_PORTS))
    comparison = compare(one, other, exceptions={})
    assert (row(comparison, "connections").primary, row(comparison, "connections").copied) == ("Other default", True)
    assert comparison.draft.connections == rows[:1]


@pytest.mark.parametrize("what", ["options.messages.retention-days", "options.messages", "options"])
def test_a_declared_exception_covers_what_is_below_it_and_keeps_the_backups_value(what):
    backup = {"options": options(messages={"retention-days": "14"})}
    comparison = found(backup=backup, exceptions={what: "The second site keeps more."})
    one = row(comparison, "options.messages.retention-days")
    assert (one.state, one.reason, one.copied) == (EXCEPTION, "The second site keeps more.", False)
    assert comparison.draft.options["messages"] == {"retention-days": "14"}


@pytest.mark.parametrize("what", ["options.mess", "options.messages.retention", "annex"])
def test_a_declared_exception_covers_nothing_else(what):
    comparison = found(backup={"options": options(messages={"retention-days": "14"})}, exceptions={what: "x"})
    assert row(comparison, "options.messages.retention-days").copied


def test_a_declared_port_stays_or_stays_away():
    extra = PortDraft(port_id="old", port=7199)
    comparison = found(primary={"ports": (*PORTS, PortDraft(port_id="new", port=7003))},
                       backup={"ports": (*BACKUP_PORTS, extra)}, exceptions={"ports.old": "x", "ports.new": "y"})
    assert comparison.copied == ()
    assert comparison.draft.ports == (*BACKUP_PORTS, extra)


def test_what_is_equal_is_no_exception():
    assert row(found(exceptions={"options": "x"}), "options.messages.retention-days").state == EQUAL


def test_a_plan_that_was_carried_out_leaves_nothing_to_do():
    comparison = found(primary={"startup_timeout": 30, "annex": {"a": {"b": "c"}},
                                "ports": (replace(PORTS[0], listening_mode="secured"),
                                          PortDraft(port_id="x", port=7003))},
                       backup={"options": {"extra": {"a": "b"}}})
    assert comparison.copied
    again = compare(Member(id=1, draft=replace(
        DRAFT, startup_timeout=30, annex={"a": {"b": "c"}},
        ports=(replace(PORTS[0], listening_mode="secured"), PortDraft(port_id="x", port=7003)))),
        Member(id=2, draft=comparison.draft), exceptions={})
    assert [each.what for each in again.copied] == []


def test_what_a_row_is_called_can_be_told_from_its_key_alone():
    """When the pair, or the row, is there no more."""
    tls = PortDraft(port_id="tls", port=7003, protocol="stomp", transport_parameters="tls=1;certificate=/a.pem")
    rows = found(primary={"annex": {"a": {"b": "c"}}, "ports": (*PORTS, tls)},
                 backup={"ports": (*BACKUP_PORTS, replace(tls, transport_parameters="tls=1"))}).rows
    assert "ports.tls.transport_parameters.certificate" in {each.what for each in rows}
    assert {each.what: label_of(each.what) for each in rows} == {each.what: each.label for each in rows}
    assert label_of("options.messages") == "Options [messages]"
    assert label_of("ports.tls") == "Listening Port tls"
    assert label_of("options.a.b.c", [Row("options.a.b.c", "Options [a.b] c", "", "")]) == "Options [a.b] c"
