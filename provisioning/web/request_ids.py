"""Each request has an id, which its entries of History and its lines of the log have in common."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware

from provisioning.core.log_context import current_request, new_request_id


@sync_and_async_middleware
def with_request_id(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if iscoroutinefunction(get_response):
        async def answered(request: Any) -> Any:
            request.request_id = new_request_id()
            token = current_request.set(request)
            try:
                waiting: Awaitable[Any] = get_response(request)
                return await waiting
            finally:
                current_request.reset(token)
        return answered

    def answer(request: Any) -> Any:
        request.request_id = new_request_id()
        token = current_request.set(request)
        try:
            return get_response(request)
        finally:
            current_request.reset(token)
    return answer
