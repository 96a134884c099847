"""Guard: answers only this page on this machine; foreign origins, unneeded routes and oversized bodies are refused."""

import re

from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 64 * 2**20  # bytes of one request
DENIED = re.compile(
    r"^(/gradio_api)?/(api|proxy=.*|file=https?:.*|process_recording|deep_link|runs|run-history.*|vibe.*|undo-vibe.*"
    r"|monitoring.*|pwa_icon.*|openapi\.json)(/|$)"
)
HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"), (b"x-frame-options", b"SAMEORIGIN")]
LOCAL = ["127.0.0.1", "localhost", "[::1]", "testserver"]


def middleware(host: str) -> list[Middleware]:
    """For a server that listens at `host`; one that listens everywhere cannot know its names and takes any."""
    hosts = ["*"] if host in ("0.0.0.0", "::") else [*LOCAL, host]  # noqa: S104  a comparison, not a binding
    return [Middleware(TrustedHostMiddleware, allowed_hosts=hosts), Middleware(Guard)]


class TooLarge(Exception):
    """A body that goes beyond `LARGEST`."""


class Guard:
    """Refuses what the page never sends."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        refusal = _refusal(scope)
        if refusal is not None:
            return await refusal(scope, receive, send)
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST:
                raise TooLarge
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            await self.app(scope, counted, with_headers)
        except TooLarge:
            await PlainTextResponse("The request is larger than 64 MB.", 413)(scope, receive, send)


def _refusal(scope: Scope) -> PlainTextResponse | None:
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if DENIED.match(scope["path"]):
        return PlainTextResponse("Not found.", 404)
    origin = headers.get("origin")
    foreign = origin is not None and origin.split("://")[-1] != headers.get("host")
    if foreign and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
        return PlainTextResponse("Requests from other sites are refused.", 403)
    return None
