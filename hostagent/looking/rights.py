"""What an account may do with a file, by its owner, group and mode."""

import os
import pwd
import stat
from dataclasses import dataclass

from ..surroundings import name_of

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


def may(account: Account, path: str, facts: os.stat_result, wanted: int) -> bool:
    """True when ``account`` may do ``wanted`` (READ, WRITE, EXECUTE added up) with the file at ``path`` itself; with an
    access control list, which is not read, it is taken for granted."""
    if wanted & WRITE and os.statvfs(path).f_flag & os.ST_RDONLY:
        return False
    if account.uid == 0:
        return stat.S_ISDIR(facts.st_mode) or not wanted & EXECUTE or bool(facts.st_mode & 0o111)
    shift = 6 if facts.st_uid == account.uid else 3 if facts.st_gid in account.groups else 0
    return (facts.st_mode >> shift & wanted) == wanted or _has_list(path)


def cannot_enter(account: Account, path: str) -> str:
    """The first directory above ``path`` that ``account`` may not enter, "" when it may enter all."""
    above, parts = "/", os.path.dirname(path).strip("/").split("/")
    for part in parts:
        above = os.path.join(above, part)
        if not may(account, above, os.stat(above), EXECUTE):
            return above
    return ""


def _has_list(path: str) -> bool:
    try:
        return bool(os.getxattr(path, _ACL))
    except OSError:
        return False
