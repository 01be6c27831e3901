"""What to do about an alarm of a predefined condition, by the mark of the condition. Pure."""

LOOK_AT_LOG = "Look at what its log and the events below say last."
ADVICE = {
    "service-unavailable": "Look at its reason: the disk is full or fails, its store cannot be read, or a link is "
                           "gone. Once that is corrected it serves again by itself; else restart it.",
    "gave-up": f"{LOOK_AT_LOG} Correct what ends it, then start it.",
    "disputed": "Open Restored Database of the pair: it shows what each member has. Bring back the member that is "
                "away, or let an Administrator say which server goes on.",
    "restored": "Check that the right copy was put back. Pairs that it contradicts are under Restored Database.",
    "nobody-serves": "Start a member that was in sync, the one that served last first. Where that is not possible, "
                     "an Administrator can promote the other one and accept a loss.",
    "without-standby": "See on the Pair page why the standby does not confirm: start it, or look at the link between "
                       "the two.",
    "failover": f"Nothing is lost and the pair serves. Find out why the former active server failed. {LOOK_AT_LOG}",
    "flapping": "Pause automatic failover until you know what ends or cuts off the members, then resume it.",
    "application-failure": f"{LOOK_AT_LOG} Auto-Restart starts it again where it is on; else start it.",
    "host-unavailable": "Check that the machine runs and its network works, then that its agent does. Servers on it "
                        "may go on without the agent.",
    "not-delivered": "Open the delivery to see what came back, mend the channel, test it, and resend the message.",
    "disk-silent": "Look at the disk and the storage behind it. The standby takes over where it is in sync.",
    "task-ended": "Its process ends and is started again. Keep its log: it names an error of the program.",
    "certificate-ends": "Renew the certificate on the page of the application or host, then restart what uses it.",
    "drill-failed": "Read the report of the drill, correct what it names, and repeat it: the next failover would "
                    "meet the same.",
    "component-down": "Start the part that is down again; ./run and systemd do that by themselves. The dashboard "
                      "shows every part.",
    "audit-worse": "Open the audit of the pair: each finding says what to do.",
    "failover-paused": "Resume automatic failover once the work is done.",
    "reader-behind": "Check that a member of the pair at Centralized Log > Settings is Started and can be reached. "
                     "What waits there is read then.",
    "clock-off": "Set up time synchronization on that machine.",
    "clock-jumped": "Look at the time synchronization of that machine.",
    "gap": "It fetches what is missing by itself. If it comes again, look at retention of both members.",
    "token-ends": "Make another token, give it to the program that uses this one, then revoke this one.",
    "shipping-behind": "Open Operations > Audit Shipping: it says what came back. Correct the target or the receiver, "
                       "then test it. What waits is sent then.",
    "connection-failure": "Check that the other program runs and that the network between the two works.",
}


def advice(predefined: str) -> str:
    """"" for a condition of people."""
    return ADVICE.get(predefined, "")
