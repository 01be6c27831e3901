"""What takes long is done before a transaction, and every transaction says what bounds it."""

import ast
import io

import pytest
from django.db import transaction
from django.utils import timezone

from provisioning.accounts.services import users
from provisioning.catalog.services import packages
from provisioning.history import history
from provisioning.history import restore as restoring
from provisioning.models import Event, HistoryEntry, InstallationPackage
from tests.factories import ADMINISTRATOR
from tests.provisioning.catalog.test_packages import archive
from tests.sources import sources
from tests.transactions import watched, within


def test_the_watch_sees_what_a_transaction_does_besides(db, tmp_path):
    with watched() as seen:
        with transaction.atomic():
            Event.objects.create(at=timezone.now(), text="x")
            (tmp_path / "file").write_text("x")
        (tmp_path / "other").write_text("x")
        Event.objects.update(text="y")
    assert [(held.rows, len(held.elsewhere)) for held in seen.found] == [(1, 1), (1, 0)]
    assert "file, within the transaction of test_transaction_bounds.py" in seen.elsewhere[0]


@pytest.fixture
def packages_dir(settings, tmp_path):
    settings.PAIRWISE_PACKAGES_DIR = tmp_path / "packages"


def test_a_package_is_read_before_its_row_is_written(db, packages_dir):
    with watched() as seen:
        row = packages.import_package(actor=ADMINISTRATOR, file_name="ip.tar.gz", stream=io.BytesIO(archive()))
    assert (seen.elsewhere, len(seen.found)) == ([], 1)
    body = history.snapshot(row)
    InstallationPackage.objects.all().delete()
    history.record(actor=ADMINISTRATOR, row=row, before=body, after=None)
    entry = HistoryEntry.objects.first()
    with watched() as seen:
        restoring.restore(actor=ADMINISTRATOR, number=entry.number, revision=0)
    assert (InstallationPackage.objects.get().sha256, seen.elsewhere) == (row.sha256, [])


def test_a_password_is_hashed_before_its_row_is_written(db, monkeypatch):
    seen = []
    monkeypatch.setattr(users, "make_password", lambda password: seen.append(within()) or "hash")
    with watched():
        user, _ = users.create_user(actor=ADMINISTRATOR, name="sue", roles=["Support"])
        users.reset_password(actor=ADMINISTRATOR, user_id=user.pk)
    assert seen == [False, False]


# --- every transaction says what bounds it


BOUNDS = {
    # one object, with what belongs to it
    "applications/services/applications.py": {
        "create_application", "update_application", "clone_application", "_constraints"},
    "core/rehearsal.py": {"rehearsed"},  # what is tried is one of the others
    "hosts/services/hosts.py": {"create_host", "update_host", "delete_host"},
    "server_log/services/detail.py": {"begin", "end"},
    "catalog/services/templates.py": {"keep_template", "create_template", "update_template", "delete_template"},
    "catalog/services/packages.py": {"_add", "delete_package"},
    "accounts/services/users.py": {"_create_user", "_stored", "create_service_account", "set_roles", "set_enabled",
                          "_reset_password", "unlock",
                          "unlock_address",  # the names tried at one address
                          "_choose"},
    "accounts/services/tokens.py": {"make_token", "change_token", "revoke_token"},
    "accounts/services/service_accounts.py": {"make_service_token"},
    "accounts/services/token_tries.py": {"count"},
    "accounts/worker/tokens.py": {"tell_what_expires"},  # tokens.AT_ONCE
    "accounts/services/ways_in.py": {"link", "unlink", "reset_factors", "require_factors"},
    "accounts/services/factors.py": {"add_app", "new_codes", "remove_factor", "_looked_at"},
    "accounts/services/passkeys.py": {"add_passkey", "_use_up"},
    "accounts/services/single_sign_on.py": {"_admit"},
    "accounts/services/directory_users.py": {"admit"},
    "accounts/services/locked_tries.py": {"_tell", "_tell_first"},  # sign_in_story.MOST entries
    "accounts/services/sign_in.py": {"_let_in", "count_failure", "signed_out_by",
                            "tell_and_forget"},  # sign_in_story.ROWS_AT_ONCE rows, sign_in_story.MOST entries
    "hosts/services/enrolment.py": {"make_token", "revoke_tokens", "spend", "leave", "note_stage"},
    "hosts/services/ssh_joining.py": {"begin"},
    "pairs/services/synchronize.py": {"apply_plan", "declare_exception", "withdraw_exception"},
    "audit/services/waivers.py": {"waive", "withdraw", "_replace"},
    "drills/services/drills.py": {"start_drill", "cancel_drill", "set_schedule"},
    "verbs/services/jobs.py": {"cancel_job", "_create"},
    "verbs/services/log_on.py": {"choose_account"},
    "monitoring/services/health.py": {"_write"},
    "monitoring/services/wall.py": {"make_address", "revoke_address"},
    "core/database.py": {"_begin"},
    "drills/worker/row.py": {"finish"},
    "logs/services/setting.py": {"choose"},
    "searches/services.py": {"save_search", "delete_search"},
    # what a group of records holds (following.AT_ONCE), and what is removed at once (kept.TRIM_AT_ONCE)
    "logs/worker/kept.py": {"keep", "_trim_part"},
    # a row for each blocks.SIZE objects; of one block an hour and a day of each of its objects
    "charts/worker/stored.py": {"record", "keep_minute", "fold"},
    "alarms/services/alarms.py": {"acknowledge", "clear"},
    # with what goes on (judging.ACTIVE_MOST alarms), in two statements
    "alarms/services/maintenance.py": {"begin_maintenance", "end_maintenance"},
    # what was judged at once (happened.EVENTS_AT_ONCE, RECORDS_AT_ONCE), and what timed out (judging.AT_ONCE)
    "alarms/worker/judging.py": {"_write", "end_old"},
    "notifications/services/channels.py": {"test_channel"},
    "notifications/services/deliveries.py": {"resend", "send_now"},
    # a message; what of alarms is new or due at once (planner.ALARMS_AT_ONCE, NOTICES_AT_ONCE, reactions.AT_ONCE)
    "notifications/worker/outbox.py": {"take", "record"},
    "notifications/worker/planner.py": {"_alone"},
    "notifications/worker/reactions.py": {"_tell"},
    "shipping/services/targets.py": {"test_target", "send_again"},
    "shipping/worker/cursor.py": {"record", "tell_of_lag"},
    "looks/worker.py": {"look_at"},
    "audit/worker/affected.py": {"_moved"},
    # an entry of history
    "support/services/bundle.py": {"make_bundle"},
    "server_log/services/files.py": {"download"},
    "history/history.py": {"atomic", "_add"},
    # with a condition go the active alarms that it raised (judging.ACTIVE_MOST), in one statement
    "history/revised.py": {"create", "update", "delete", "_save"},
    # what one report holds (reports.MAX_ITEMS), and so many that waited for it (reports.WAITING_A_TURN)
    "jobs/worker/reports.py": {"_record", "_apply", "catch_up"},
    # what a turn holds (turns)
    "turns.py": {"turn"},
    "fleet/services/apply.py": {"_write"},
}
"""Every function that opens a transaction, by what bounds it. A new one that works on many objects is written in turns
(``provisioning.turns``) and watched in test_many_objects.py."""
BOUNDS["applications/services/applications.py"] |= {"_set_enabled", "_delete"}  # what a turn holds


def test_every_transaction_says_what_bounds_it():
    found: dict[str, set[str]] = {}
    for path, text in sources("provisioning", saying="atomic").items():
        if "/migrations/" in path or path.endswith("/guard.py"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and _opens(node):
                found.setdefault(path.removeprefix("provisioning/"), set()).add(node.name)
    assert found == BOUNDS


def _opens(function: ast.FunctionDef) -> bool:
    """True when it begins a transaction itself, not in a function within it."""
    parts = [*function.decorator_list, *function.body]
    return any(isinstance(node, ast.Attribute) and node.attr == "atomic" for part in parts
               if not isinstance(part, ast.FunctionDef) for node in ast.walk(part))
