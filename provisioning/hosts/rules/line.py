"""What is pasted on a machine that is to join. Pure."""

from protocol.joining import AGAIN, LINE

WAITS_S = 30
PROGRAM_BYTES = 8 * 2**20
"""A program that is longer is another one."""
OTHER_PROGRAM = ("The console sent another program than its page promised. Reload the page of the host and paste its "
                 "line again; when it says so again, a proxy in between answers in its place.")
# Nothing in it may be one of "$`!\ or a line break: it stands in double quotes, in any shell.
_HOOK = ("sys.excepthook=lambda t,e,b:print('The console at {url} '+next(w[k.__name__]for k in"
         "(t,*type(getattr(e,'reason',e)).__mro__,BaseException)if k.__name__ in w)"
         ".format(e,getattr(e,'reason',e)),'{again}',file=sys.stderr)")
_FETCH = ("import hashlib,ssl,urllib.request as u;"
          "b=u.build_opener(u.ProxyHandler({{}}),u.HTTPSHandler(context=ssl._create_unverified_context()))"
          ".open('{url}/join/program',None,{waits}).read({most});"
          "hashlib.sha256(b).hexdigest()=='{sha256}' or sys.exit('{other}');exec(b)")
_COMMAND = 'python3 -I -c "import sys;w={words};' + _HOOK + ";" + _FETCH + '" --console {url}'


def command(*, url: str, sha256: str) -> str:
    """The command that fetches the program from the console at ``url`` and runs it, with the token on its standard
    input: command lines are for everybody on the machine to read. Whatever stops it is one sentence of
    ``protocol.joining``.

    It verifies nobody: the machine may not know the console's authority yet. The program is public, its SHA-256 is in
    the line, and it brings the authority: nothing is sent before the console was verified by it.
    """
    return _COMMAND.format(url=url, sha256=sha256, words=LINE, waits=WAITS_S, most=PROGRAM_BYTES, again=AGAIN,
                           other=OTHER_PROGRAM)


def command_of_package(*, url: str, sha256: str) -> str:
    """The same for a machine that has the package pairwise-agent: what it has to know of the console is the same."""
    return f"pairwise-agent-join --console {url} --sha256 {sha256}"
