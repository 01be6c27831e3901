"""What the Application editor says of the fields of a type that Pairwise only keeps: it installs and starts nothing of
it, so no help may promise that."""

from django.forms import Form

from provisioning.web.fields import told

NO_START = "Pairwise starts nothing of this type."
HELPS = {
    "name": "Unique over all applications.",
    "enabled": f"For people and systems that read it: {NO_START}",
    "working_directory": "Absolute path on the Host, or \".\" while it is not known.",
    "command_line": "The program, or \".\" while it is not known.",
    "command_line_arguments": "What the program is started with, by whoever starts it.",
    "startup_timeout": f"It has no effect: {NO_START} Default: 90.",
    "shutdown_timeout": "It has no effect: Pairwise stops nothing of this type. Default: 90.",
    "auto_restart": f"It has no effect: {NO_START}",
    "redundancy_type": "How such a pair works, for people and systems that read it.",
    "log_on_as": "Account that the program runs as, where something else starts it. Default: SYSTEM.",
}
OPTIONS_READ, OPTIONS_KEPT = "The server reads these.", "They are kept for people and systems that read them."
RULES = {
    "name": "At most 255 characters, no blanks at the ends.",
    "command_line_arguments": "Pairwise neither fills this in nor reads it.",
    "auto_restart": "Pairwise neither starts nor watches it.",
    "redundancy_type": "Pairwise runs pairs of Message Servers only.",
    "log_on_as": "Pairwise gives this account to nothing.",
}
"""{field: text}, in place of what is said of a Message Server."""


def say_of_kept_type(form: Form) -> None:
    """Put these texts in place of those of ``form``, which is an ApplicationForm."""
    for name, text in HELPS.items():
        form.fields[name].help_text = text
    for name, text in RULES.items():
        told(form.fields[name]).rule = text
