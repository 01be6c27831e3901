"""What a machine that joins is told when it does not get through to the console: sentences that say what to do.

They begin with "The console at URL". The line that is pasted has those of LINE in it, by the name of the error's class;
the program that it fetches has this whole module in it, and is read by any Python. In them {0} is the error, {1} its
reason, {2} the time that the machine's clock shows.
"""

AGAIN = "Then paste the line again."

LINE = {
    "HTTPError": "answers {0}. Look whether the proxy in front of it reaches it, and into the log of its web process.",
    "gaierror": "has a name that this machine does not resolve. Correct its name service or /etc/hosts.",
    "ConnectionRefusedError": "is not there: nobody listens at that address and port. See whether it runs, and which "
                              "firewall turns this machine away.",
    "TimeoutError": "does not answer. See whether that is its address, and have each firewall in between let this "
                    "machine through.",
    "ImportError": "needs the whole of Python 3.11 or newer here ({1}). Install it.",
    "SyntaxError": "needs Python 3.11 or newer here. Install one, and put it in place of python3 in the line.",
    "KeyboardInterrupt": "was not waited for.",
    "BaseException": "cannot be reached ({1}). Look at its address and port, the route and the firewalls in between.",
}
"""Each goes on with AGAIN. Without apostrophes: the line stands in quotes."""
PROGRAM = {
    **{name: f"{text} {AGAIN}" for name, text in LINE.items()},
    "expired": (
        "shows a certificate that has expired by the clock of this machine, which says {2}. If that is wrong, set it "
        f"(timedatectl set-ntp true); else have the certificate renewed. {AGAIN}"),
    "not yet": (
        "shows a certificate that is not valid yet by the clock of this machine, which says {2}. Set that clock "
        f"(timedatectl set-ntp true). {AGAIN}"),
    "other name": (
        "does not prove that it is the console whose page showed the line: its certificate is not for that name ({1}). "
        "It was told nothing. Open the console by a name that its certificate is for, reload the host's page and paste "
        "the line that it shows."),
    "other authority": (
        "does not prove that it is the console whose page showed the line: its certificate is not from the console's "
        "own authority ({1}). It was told nothing. Another machine answers in its place, or the authority was made "
        "anew: reload the host's page and paste the line that it shows."),
    "unknown authority": (
        "shows a certificate of an authority that this machine does not trust ({1}). It was told nothing. Let this "
        "machine trust it: on Debian, put the certificate of that authority into "
        f"/usr/local/share/ca-certificates/NAME.crt and run update-ca-certificates. {AGAIN}"),
    "no answer of its own": (
        "answered with something that the console does not say. A proxy or another program answers in its place: open "
        f"the console by an address that leads to itself. {AGAIN}"),
}

NO_ROOM = "There is no room left on the disk. Free some, then paste the line again."
DISK = {
    "ENOSPC": NO_ROOM, "EDQUOT": NO_ROOM,
    "EROFS": "The disk is mounted to be read only. Add --directory to the line with a directory that can be written.",
    "EACCES": "This account may not. Paste the line as root, or add --directory with a directory of this account.",
    "EPERM": "This account may not. Paste the line as root, or add --directory with a directory of this account.",
    "ENOTDIR": "A part of that path is no directory. Move it away, or add --directory with another one.",
}
"""What helps against an error of this machine's own files, by the name of its number."""
