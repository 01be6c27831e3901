"""A client of a pair of Message Servers: what it publishes is stored once, through every failover, and what it reads it
resumes by itself. ``pairwise_client.aio`` has the same for asyncio."""

from .blocking import Client, Message, Subscription, Transaction, connect
from .errors import ClientError, Gap, NotConnected, Refused, Timeout
from .messages import Outgoing, Receipt
from .version import VERSION

__all__ = ["VERSION", "Client", "ClientError", "Gap", "Message", "NotConnected", "Outgoing", "Receipt", "Refused",
           "Subscription", "Timeout", "Transaction", "connect"]
