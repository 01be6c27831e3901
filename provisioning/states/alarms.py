"""Alarms, what is done about them, and who is told; where History is sent to."""

from django.db import models


class AlarmCategory(models.TextChoices):
    """How grave an alarm is, worst first."""

    CRITICAL = "critical", "Critical"
    MAJOR = "major", "Major"
    MINOR = "minor", "Minor"


class ReactionVerb(models.TextChoices):
    """What the console does by itself about an alarm, in the order in which it does it."""

    SWITCHOVER = "switchover", "Switch Over"
    RESTART = "restart", "Restart"
    START = "start", "Start"


class ReactionState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    LEFT_OUT = "left_out", "Left out"


class MaintenanceKind(models.TextChoices):
    """What a maintenance is about."""

    HOST = "host", "Host"
    PAIR = "pair", "Pair"
    APPLICATION = "application", "Application"


class AlarmSelection(models.TextChoices):
    """Whose events an Alarm Condition is about."""

    ANY = "any", "Select By Any"
    TYPE = "application_type", "Select By Application Type"
    APPLICATION = "application", "Select By Application"


class AlarmEnd(models.TextChoices):
    """What an alarm was cleared by."""

    EVENT = "event", "Cancel Event"
    TIMEOUT = "timeout", "Cancel Timeout"
    HAND = "hand", "By hand"
    GONE = "gone", "No longer there"


class ChannelKind(models.TextChoices):
    """What a notification goes through."""

    MAIL = "mail", "E-mail"
    WEBHOOK = "webhook", "Webhook"
    TEAMS = "teams", "Microsoft Teams"
    SLACK = "slack", "Slack"
    MATTERMOST = "mattermost", "Mattermost"
    WEBEX = "webex", "Webex"
    GOOGLE_CHAT = "google_chat", "Google Chat"
    PAGERDUTY = "pagerduty", "PagerDuty"
    OPSGENIE = "opsgenie", "Opsgenie"
    JIRA = "jira", "Jira Service Management"
    SNS = "sns", "Amazon SNS"
    COMMAND = "command", "Command"


class AuditFormat(models.TextChoices):
    """How an entry of History is written for a target of audit shipping over syslog."""

    RFC5424 = "rfc5424", "Syslog (RFC 5424)"
    CEF = "cef", "CEF"


class DeliveryState(models.TextChoices):
    """Where a message to a channel stands."""

    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    FAILED = "failed", "Given up"


class Told(models.TextChoices):
    """What a message to a channel tells."""

    RAISED = "raised", "Raised"
    REPEATED = "repeated", "Still active"
    CLEARED = "cleared", "Cleared"
    DIGEST = "digest", "Digest"
    TEST = "test", "Test"
