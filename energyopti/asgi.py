"""The web, for uvicorn: `uvicorn energyopti.asgi:application`."""

from typing import Any

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase

from energyopti import env

env.serving(pool=True)
django.setup()  # reads the settings

from energyopti import bodies  # noqa: E402 -- after them


class OneThread(ASGIHandler):
    """Runs a request's middleware and view in one thread: Django would go there and back for each middleware, 3 ms a request.

    Bodies that stream are still sent by the event loop.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> Any:
        respond: Any = self.get_response
        response: HttpResponseBase = await sync_to_async(respond, thread_sensitive=True)(request)
        return response


application = bodies.limited(OneThread())
