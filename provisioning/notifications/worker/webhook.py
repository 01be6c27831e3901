"""Webhooks, as Standard Webhooks 1.0 says."""

import json
import time

from provisioning.notifications.facts import Answer, Message, Recipient
from provisioning.notifications.rules.signature import key_of, signature
from provisioning.notifications.selectors.allowed import allowed_addresses

from .post import post


def send(recipient: Recipient, message: Message) -> Answer:
    body = as_body(message.payload)
    timestamp = int(time.time())
    headers = {"Content-Type": "application/json", "webhook-id": message.message_id,
               "webhook-timestamp": str(timestamp)}
    if secret := recipient.fields.get("secret"):
        headers["webhook-signature"] = signature(key_of(secret), message.message_id, timestamp, body)
    return post(recipient.fields.get("url", ""), body, headers, allowed_addresses())


def as_body(payload: object) -> bytes:
    """The same for the same payload at every attempt."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
