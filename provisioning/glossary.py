"""What the words of pages and documents mean: the one source of docs/glossary.md, and of what a term says on hover.
Pure."""

import re

TERMS: dict[str, str] = {
    "Acknowledged": "A message is acknowledged once its sender was told that it is kept: by the active server alone, "
                    "or by both members while they are in sync.",
    "Active server": "The member of a pair that serves clients now, whichever of the two is configured as the primary.",
    "Agent": "The program on a host, the field's Local Control Agent (LCA), that starts, watches and restarts the "
             "servers there.",
    "Alarm": "What an Alarm Condition raised about an application or a host; as a level, an event that somebody has to "
             "look at.",
    "Alarm Condition": "Which event raises an alarm, about whom, and which event or how much time clears it.",
    "Annex": "Settings of an application for the Management Layer, beside the options that its server reads.",
    "Application": "An object that says what a program is, on which host it runs, how it is started and with which "
                   "options.",
    "Application Template": "What an application is created from: it fixes the type and proposes version, options and "
                            "ports.",
    "Assigned": "The role that control's record gives to a member, whether or not the server has taken it yet.",
    "Attested": "Said by the agent of the host, which saw for itself that a process runs or how it ended.",
    "Audit": "The check of a pair by rules, of what is configured and of what is true on its hosts, with a verdict.",
    "Auto-Restart": "Starting a server again after it failed, never after it was stopped as asked.",
    "Backup Server": "The application that is configured as the other member of a primary's pair.",
    "Broker": "Redis or RabbitMQ, which carries jobs from the console to the hosts and what they report back.",
    "Client": "A program that sends messages to a Message Server or receives them from it.",
    "Common record": "The newest record that both members are known to hold alike.",
    "Configuration Database": "The database in which the console keeps applications, hosts, users, jobs and history.",
    "Configuration Server": "The part of control that gives a server its configuration, at the address in -host and "
                            "-port.",
    "Connection": "A row of an application that says which server it is to be a client of.",
    "Control": "The process that decides who serves and knows every status: Configuration Server and Solution Control "
               "in one.",
    "Detection time": "How long a silent server is waited for before its standby may take over, 2 seconds.",
    "Disputed": "Said of a pair whose record may be older than what a member knows, so that control decides nothing "
                "until that is settled.",
    "Divergent tail": "Records that a former active server stored and that were not acknowledged by the pair; they are "
                      "put aside when it stands by again.",
    "Drill": "A switchover there and back under a small load, which measures the outage and counts what was lost.",
    "Epoch": "A number that grows each time control grants the role of primary, so that an old grant can be told from "
             "a new one.",
    "Event": "Something that happened to an application or a host, with a number, a level and a sentence.",
    "Exception": "A difference between the members of a pair that somebody said is to stay, with a reason.",
    "Failover": "The standby takes over because the active server failed.",
    "Finding": "What a rule of the audit found to be wrong with a pair.",
    "Fix": "What Pairwise does itself about a finding, after it has shown what would change.",
    "Gave Up": "The status of a server that failed too often in a row, so that Auto-Restart starts it no more.",
    "Grant": "Control's word to a server that it has a role in an epoch; without one no server serves.",
    "HA Sync": "The mark of the port through which the other member of a pair fetches its copy of the messages.",
    "Hand over": "An active server hands over when it finishes what it has accepted and lets its standby take over.",
    "Host": "A machine on which servers run, with an agent that carries out what the console asks.",
    "Host worker": "The part of the agent that takes jobs from the broker and does them.",
    "In sync": "The standby has every message that was acknowledged, and control has recorded it.",
    "Installation Package": "A file with the program of a server, which Install unpacks on a host.",
    "Job": "Work on a host that the console asked for, such as an installation or a start, with steps and a log.",
    "Listening Port": "A port on which a server takes connections, with an ID by which clients refer to it.",
    "Log On As Account": "The account of the operating system that a server runs as; SYSTEM stands for that of the "
                         "agent.",
    "Lost": "Said of a job whose host fell silent, so that nobody knows how it ended.",
    "Maintenance": "A time in which something is worked on: alarms about it are masked, so nobody is told of them.",
    "Management Layer": "The field's name for what starts, stops and watches applications: control and the agents.",
    "Mark": "A record of a Message Server's log that says how far a named position or a queue has come; clients never "
            "see one.",
    "Member": "One of the two servers of a pair.",
    "Message Server": "The server that keeps messages in a log on disk and delivers them to its clients.",
    "Mode": "What a running server acts as: Primary, Backup, or Exiting while it ends.",
    "Named position": "How far a subscription with a durable-name has come, kept by the pair itself and moved by "
                      "acknowledgements.",
    "Not known": "Nobody who could say so was heard lately; it never counts as good.",
    "Option": "A setting that a server reads, found by its section and its key.",
    "Pair": "Two servers of which one stands by for the other.",
    "Primary": "The server whose object names a Backup Server; as a mode, the member that serves.",
    "Promote": "Make a standby serve that lacks messages, which are given up by name.",
    "Proven": "Tried a moment ago: the active server took a test write all the way to an acknowledgement, and the "
              "standby refused one.",
    "Put aside": "Kept in a file of the Working Directory and no part of the log any more.",
    "Queue": "A destination below /queue/, whose consumers share its messages: each message goes to one of them.",
    "Record": "One message in a server's log, or control's durable note of a pair; the first has a number, the second "
              "a version.",
    "Reported": "The role that the server itself says it has.",
    "Retention": "How much of the log is kept, by records, days or megabytes; what is older is removed.",
    "Role": "What a member of a pair is to do, primary or backup; of a user, what the console lets this user do.",
    "Serves alone": "Serves while its standby is away or not in sync, so that each message is on one disk only.",
    "Sheet": "The audit's page of one pair: its verdict, its findings, and what is not known.",
    "Sign of life": "What a process shows every few seconds; one that shows none counts as hanging.",
    "Standby": "The member of a pair that follows the active server and is ready to take over.",
    "Start files": "The files with which a server is started by hand: run.sh, startServer.bat and installService.bat.",
    "Support bundle": "A file with what somebody who helps needs to know of a pair, without its secrets.",
    "Switchover": "Active server and standby change roles because somebody asked for it with Switch Over.",
    "Sync link": "The connection over which a standby gets every record from the active server.",
    "Synchronize": "Copy options, ports and Server Info of the primary to its Backup Server, all but exceptions.",
    "Take over": "A standby takes over when control grants it the role of primary.",
    "Timeline": "The events of a pair, an application or a host in their order.",
    "Token": "A secret that lets one machine join as a host, once and within an hour.",
    "Verdict": "The audit's one word for a pair: Broken, At risk or Ready.",
    "Waiver": "A finding that somebody accepts until a day, with a reason; until then it does not count.",
    "Warm Standby": "The Redundancy Type of a pair whose standby runs, has every message, and serves no clients until "
                    "it takes over.",
    "Withdraw": "Take back a waiver or an exception, so that what it covered counts again.",
    "Working Directory": "The directory on the host in which a server is installed and keeps its messages.",
}
"""{term: one sentence}, by alphabet."""


def anchor(term: str) -> str:
    """What the address of the document ends in where it leads to this term."""
    return re.sub(r"[^a-z0-9]+", "-", term.lower())
