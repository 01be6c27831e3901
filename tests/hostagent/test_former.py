"""A directory is installed into only when what is in it is a former installation's, or what one left behind."""

import pytest

from hostagent.jobs.archive import CHECKSUMS, DESCRIPTION
from hostagent.jobs.former import LOCK, STORE, strangers
from hostagent.jobs.placement import STAYS
from hostagent.opened import Directory
from messageserver.settings import Retention
from messageserver.store import Store
from protocol.certificate_files import FILES

BACKUP = "backup_2026-01-01_00-00-00"
KEPT = (*STAYS, BACKUP)


def found_in(directory, *files: str) -> list[str]:
    """Strangers among ``files``; a name that ends in "/" is a directory."""
    for name in files:
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        else:
            path.write_text("4711\n" if name == LOCK else name)
    with Directory.at(directory) as opened:
        return strangers(opened)


def test_an_empty_directory_and_a_mount_point_hold_nothing_of_others(tmp_path):
    assert found_in(tmp_path) == []
    assert found_in(tmp_path, "lost+found/x", *(f"{name}/lost+found/" for name in STAYS)) == []


@pytest.mark.parametrize("files", [["notes.txt"], ["sub/"], [".bash_history"], [DESCRIPTION, "notes.txt"],
                                   [CHECKSUMS, "MessageServer"]])
def test_what_no_installation_made_is_named(tmp_path, files):
    assert found_in(tmp_path, *files) == sorted(name.rstrip("/") for name in files)


def test_whatever_lies_in_a_former_installation_is_its(tmp_path):
    assert found_in(tmp_path, DESCRIPTION, CHECKSUMS, "notes.txt", *(f"{name}/anything" for name in KEPT)) == []


@pytest.mark.parametrize("sign", [STORE, LOCK])
def test_beside_the_messages_of_a_removed_server_all_that_stays_is_its(tmp_path, sign):
    files = [sign, "data/discarded-1.jsonl", "logs/ms.log.1", "tls/other.pem", f"{BACKUP}/x"]
    assert found_in(tmp_path, *files) == []
    assert found_in(tmp_path, "notes.txt") == ["notes.txt"]


def test_the_store_of_a_server_is_known_however_little_it_has_done(tmp_path):
    Store(tmp_path / "data", Retention(0, 0, 0, 100)).close()
    assert found_in(tmp_path, "logs/ms.log") == []
    (tmp_path / STORE).unlink()
    assert found_in(tmp_path) == []
    (tmp_path / LOCK).unlink()
    for left in (tmp_path / "data").iterdir():
        left.unlink()
    assert found_in(tmp_path) == ["logs"]


@pytest.mark.parametrize("name", KEPT)
def test_a_directory_of_another_program_is_named_though_an_installation_has_one_of_that_name(tmp_path, name):
    assert found_in(tmp_path, f"{name}/ledger.db") == [name]
    assert found_in(tmp_path, "notes.txt") == sorted([name, "notes.txt"])


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_directory_is_none_that_an_installation_left(tmp_path, name, kind):
    place, elsewhere = tmp_path / "ms", tmp_path / "elsewhere"
    place.mkdir()
    elsewhere.mkdir()
    for path in (STORE, LOCK):
        (elsewhere / path.rpartition("/")[2]).write_text("4711")
    if kind == "link":
        (place / name).symlink_to(elsewhere)
    else:
        (place / name).touch()
    assert found_in(place) == [name]


@pytest.mark.parametrize("text", ["", "LOCKED", "4711 of another program"])
def test_a_lock_that_names_no_process_is_no_servers(tmp_path, text):
    (tmp_path / "data").mkdir()
    (tmp_path / LOCK).write_text(text)
    assert found_in(tmp_path) == ["data"]


def test_what_jobs_leave_before_the_first_start_is_known(tmp_path):
    assert found_in(tmp_path, *(f"tls/{name}" for name in FILES.values())) == []
    assert found_in(tmp_path, f"{BACKUP}/run.sh") == []
    assert found_in(tmp_path, f"{BACKUP}_2/{DESCRIPTION}", f"{BACKUP}_2/{CHECKSUMS}", f"{BACKUP}_2/lib.zip") == []
