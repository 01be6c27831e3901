"""The host by which a browser asks for the console."""

from django.core.exceptions import DisallowedHost
from django.utils.deprecation import MiddlewareMixin

from .lists import parts_of


class ReadableHost(MiddlewareMixin):
    """Where ``PAIRWISE_ALLOWED_HOSTS`` is ``*`` Django takes hosts with which no address can be read, like
    ``[1:2:3]``; whatever makes an address of one would fail."""

    def process_request(self, request) -> None:
        if parts_of(f"//{request.get_host()}") is None:
            raise DisallowedHost("The header Host names no host.")
