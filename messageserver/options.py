"""Every option a Message Server understands: one table for the settings, the template file and the documents."""

from typing import NamedTuple


class Option(NamedTuple):
    """``low`` and ``high`` bound a whole number; None for text. ``words`` are the alternatives of a text, as the
    template file writes them; "" = any."""

    section: str
    key: str
    default: str
    help: str
    low: int | None = None
    high: int | None = None
    words: str = ""

    @property
    def valid_values(self) -> str:
        """What it may be set to, as the template file writes it; "" = any text."""
        return self.words if self.low is None else f"{self.low}-{self.high}"


OPTIONS = (
    Option("MessageServer", "signature", "log", "Role of this server: log (any messages, the Centralized Log among "
           "them)."),
    Option("log", "verbose", "standard", "Least important level that is written.",
           words="all, debug, trace, interaction, standard, none"),
    Option("log", "all", "stdout", "Outputs of all levels: comma list of stdout, stderr, network or a file path. "
           "network is the centralized log, and with level Standard the console's timeline; Debug never goes there."),
    Option("log", "standard", "", "Further outputs of level Standard."),
    Option("log", "interaction", "", "Further outputs of levels Interaction and above."),
    Option("log", "trace", "", "Further outputs of levels Trace and above."),
    Option("log", "debug", "", "Further outputs of levels Debug and above."),
    Option("log", "ms-buffer-size", "2048", "Most log records that wait, on disk, while nobody takes what goes to "
           "network; of more the oldest are dropped, and how many is said.", 200, 20_000),
    Option("log", "segment", "100 MB", "Size at which a log file is closed and a new one begun; false = never.",
           words="false, 1-1000000 KB, 1-1000000 MB"),
    Option("log", "expire", "10", "How many closed log files are kept; false = all.",
           words="false, 1-1000, 1-1000 file"),
    Option("messages", "retention-records", "10000000", "Most records kept; 0 = no limit.", 0, 10**12),
    Option("messages", "retention-days", "30", "Records older than this many days are removed; 0 = no limit.", 0,
           36500),
    Option("messages", "retention-mb", "4096", "Largest size of the stored records in megabytes; 0 = no limit.", 0,
           10**9),
    Option("messages", "dedup-window", "200000", "A retried SEND with the dedup-id of one of the last so many records "
           "counts once; 0 = off.", 0, 5_000_000),
    Option("messages", "queues", "shared", "What /queue/ is: shared = its consumers share the messages, each to one of "
           "them; log = every subscriber gets all, as of /topic/.", words="shared, log"),
    Option("redundancy", "standby-timeout", "2", "Seconds in which the standby must confirm what it was sent; after "
           "that the active server goes on without it.", 1, 600),
    Option("redundancy", "strict", "false", "true: never acknowledge with one copy only; without its standby the "
           "active server keeps senders waiting.", words="true, false"),
    Option("limits", "max-connections", "1000", "Most STOMP connections at a time.", 1, 100_000),
    Option("limits", "max-frame-bytes", "1048576", "Largest message body in bytes.", 1024, 64 * 1024 * 1024),
    Option("limits", "max-header-bytes", "16384", "Largest header block of a frame in bytes.", 512, 1024 * 1024),
    Option("limits", "max-headers", "64", "Most headers of a frame.", 8, 1000),
    Option("limits", "max-backlog-bytes", "16777216", "A consumer that leaves more than this many bytes unread is cut.",
           65536, 1024 * 1024 * 1024),
    Option("limits", "max-subscriptions", "100", "Most subscriptions of one connection.", 1, 10_000),
    Option("limits", "max-unacknowledged", "1000", "Most messages of one subscription that wait for an ACK.", 1,
           100_000),
    Option("limits", "max-positions", "1000", "Most named positions (durable-name) that the server keeps.", 1, 3000),
    Option("limits", "stall-timeout", "30", "A client that for so many seconds takes nothing while data waits for it, "
           "or sends nothing of a frame that it has begun, is cut.", 1, 3600),
    Option("limits", "connect-timeout", "10", "Seconds in which a new connection must send CONNECT.", 1, 600),
    Option("websocket", "origins", "", "Whose pages may connect to a stomp-ws port: comma list of origins such as "
           "https://logs.example.com; * = all. Pages of the host that the browser dials always may."),
)
