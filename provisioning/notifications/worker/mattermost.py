"""Mattermost: its incoming webhook takes JSON with a text. Its server is anybody's, so it is asked as other webhooks
are."""

from provisioning.notifications.facts import Answer, Message, Recipient
from provisioning.notifications.rules.chats import without_mentions
from provisioning.notifications.selectors.allowed import allowed_addresses

from .post import post
from .webhook import as_body


def send(recipient: Recipient, message: Message) -> Answer:
    text = without_mentions(f"{message.subject}\n\n{message.text}")
    return post(recipient.fields.get("url", ""), as_body({"text": text, "username": "Pairwise"}),
                {"Content-Type": "application/json"}, allowed_addresses())
