"""What an account may do with a file, by its owner, group and mode."""

import contextlib
import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass

from ..opened import Directory
from ..surroundings import name_of
from ..ways import directories_to, shared

READ, WRITE, EXECUTE = 4, 2, 1
_ACL = "system.posix_acl_access"


@dataclass(frozen=True)
class Account:
    """Who is asked for. ``groups``: of all groups that it is in."""

    name: str
    uid: int
    groups: frozenset[int]

    @classmethod
    def of(cls, entry: pwd.struct_passwd | None) -> "Account":
        """``entry`` None: the account of this process."""
        if entry is None:
            uid = os.geteuid()
            return cls(name_of(uid), uid, frozenset({os.getegid(), *os.getgroups()}))
        return cls(entry.pw_name, entry.pw_uid, frozenset(os.getgrouplist(entry.pw_name, entry.pw_gid)))


def may(account: Account, descriptor: int, wanted: int) -> bool:
    """True when ``account`` may do ``wanted`` (READ, WRITE, EXECUTE added up) with what was opened itself; with an
    access control list, which is not read, it is taken for granted."""
    facts = os.fstat(descriptor)
    if wanted & WRITE and os.statvfs(descriptor).f_flag & os.ST_RDONLY:
        return False
    if account.uid == 0:
        return stat.S_ISDIR(facts.st_mode) or not wanted & EXECUTE or bool(facts.st_mode & 0o111)
    shift = 6 if facts.st_uid == account.uid else 3 if facts.st_gid in account.groups else 0
    return (facts.st_mode >> shift & wanted) == wanted or _has_list(descriptor)


def cannot_enter(account: Account, path: str) -> str:
    """The first of the directory ``path`` and those above it that ``account`` may not enter, "" when it may enter
    all."""
    return next((each for each, descriptor in directories_to(path) if not may(account, descriptor, EXECUTE)), "")


def open_to_others(place: Directory, names: Iterable[str]) -> str:
    """The path of what somebody else than root can change: the directory itself, one of ``names`` in it or of the
    directories that these are in; "" for nothing. A name that is not there counts for nothing."""
    names = {*names}
    for name in ("", *sorted((names | {os.path.dirname(name) for name in names}) - {""})):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), (
                place.handle(name) if name else contextlib.nullcontext(place.descriptor)) as descriptor:
            if _others_write(descriptor):
                return os.path.join(place.path, name) if name else place.path
    return ""


def way_open_to_others(path: str) -> str:
    """The first of the directories that ``path`` is in, in which somebody else than root can put another thing in the
    place of root's; "" for none. One of root that everybody can write to is none as long as it is sticky, like /tmp:
    there nobody moves what is root's. ``path`` as ``real`` gives it; what is not there yet counts for nothing. Raises
    OSError."""
    with contextlib.suppress(FileNotFoundError):
        for each, descriptor in directories_to(os.path.dirname(path)):
            if _others_write(descriptor, sticky=True):
                return each
    return ""


def _others_write(descriptor: int, *, sticky: bool = False) -> bool:
    """Somebody else than root owns what was opened, or can write there; ``sticky``: who can move nothing of root's
    counts for nobody. An access control list, which is not read, is taken to let others write as far as its mask does.
    """
    facts = os.fstat(descriptor)
    writes = shared(facts) or (not stat.S_ISLNK(facts.st_mode) and facts.st_mode & 0o020 and _has_list(descriptor))
    return facts.st_uid != 0 or bool(writes and not (sticky and facts.st_mode & stat.S_ISVTX))


def _has_list(descriptor: int) -> bool:
    try:
        # The kernel does not ask a descriptor that only names something.
        return bool(os.getxattr(f"/proc/self/fd/{descriptor}", _ACL))
    except OSError:
        return False
