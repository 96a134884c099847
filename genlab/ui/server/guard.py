"""Guard: answers only this page's own hosts; foreign origins, unneeded routes and oversized bodies are refused."""

import logging
import re
import secrets
from typing import Any

from fastapi.exceptions import RequestValidationError
from gradio.route_utils import FnIndexInferError
from gradio.route_utils import Request as GradioRequest
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genlab.ui.server import preset
from genlab.ui.server.bounds import Bounds
from genlab.ui.server.spaces import cookie_for
from genlab.ui.words import asking, say

DENIED = re.compile(
    r"^(/gradio_api)?/(api|proxy=.*|file=https?:.*|process_recording|deep_link|runs|run-history.*|vibe.*|undo-vibe.*"
    r"|monitoring.*|pwa_icon.*|openapi\.json|dev/.*|token|stream/.*)(/|$)"
)
HEADERS = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin")]
UNFRAMED = (b"x-frame-options", b"SAMEORIGIN")
LOCAL = ["127.0.0.1", "localhost", "[::1]"]
UNLOCKED = re.compile(r"^(/gradio_api)?/(mcp|reset|cancel|heartbeat)(/|$)")  # what Gradio asks no password for
log = logging.getLogger("genlab")


def middleware(hosts: list[str], password: str | None = None, framed: bool = False) -> list[Middleware]:
    """For a server of these host names (`*` for any), a list that may grow later.

    `password` is what the routes ask for that Gradio itself leaves open; `framed` lets other sites show the page.
    """
    return [Middleware(Hosts, hosts=hosts), Middleware(Guard, password=password, framed=framed), Middleware(Bounds)]


def handlers() -> dict[Any, Any]:
    """Sentences for the requests that Gradio's own routes stumble over; what is ours never gets that far."""
    malformed = dict.fromkeys([RequestValidationError, TypeError, ValueError, OSError], _malformed)
    return {**malformed, FnIndexInferError: _unknown, KeyError: _unknown}


class Hosts(TrustedHostMiddleware):
    """Knows names that are learnt only after the launch, such as that of a share link."""

    def __init__(self, app: ASGIApp, hosts: list[str]) -> None:
        super().__init__(app, allowed_hosts=hosts)
        self.allowed_hosts = hosts  # the list itself, not a copy of it
        self.allow_any = "*" in hosts


def mark_refused(request: Any) -> None:
    """Let the answer to a request be one to a bad request, which it is when a handler refuses it in a sentence."""
    while isinstance(request, list | GradioRequest):
        request = request[0] if isinstance(request, list) else request.request
    if request is not None:
        request.state.refused = True


class TooLarge(Exception):
    """A body that goes beyond what the preset allows."""


class Guard:
    """Refuses what the page never sends, and tells new visitors apart."""

    def __init__(self, app: ASGIApp, password: str | None, framed: bool) -> None:
        self.app = app
        self.password = password
        self.headers = HEADERS if framed else [*HEADERS, UNFRAMED]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        asked = Request(scope)
        asking.set(asked)
        refusal = self._refusal(asked)
        if refusal is not None:
            return await refusal(scope, receive, send)
        cookie = cookie_for(asked.headers.get("cookie")) if scope["path"] == "/" else None
        added = [*self.headers, *([(b"set-cookie", cookie.encode())] if cookie else [])]
        taken, most, started = 0, preset.current().request, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise TooLarge
            return message

        async def with_headers(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
                if message["status"] == 500 and getattr(asked.state, "refused", False):
                    message["status"] = 400  # Gradio answers every sentence as if the fault were its own
            await send(message)

        try:
            await self.app(scope, counted, with_headers)
        except TooLarge:
            await PlainTextResponse(say("page.too_large", mb=most // 2**20), 413)(scope, receive, send)
        except RuntimeError as fault:
            if not started:
                raise
            log.warning("%s ended early: %s", scope["path"], fault.__cause__ or fault)  # a stream of a session that is gone

    def _refusal(self, asked: Request) -> PlainTextResponse | None:
        if DENIED.match(asked.scope["path"]):
            return PlainTextResponse("Not found.", 404)
        origin = asked.headers.get("origin")
        foreign = origin is not None and origin.split("://")[-1] != asked.headers.get("host")
        if foreign and asked.method not in ("GET", "HEAD", "OPTIONS"):
            return PlainTextResponse("Requests from other sites are refused.", 403)
        if self.password and UNLOCKED.match(asked.scope["path"]) and not (_logged_in(asked) or self._knows_password(asked)):
            return PlainTextResponse("Send the header Authorization: Bearer PASSWORD with the password of this page.", 401)
        return None

    def _knows_password(self, asked: Request) -> bool:
        return secrets.compare_digest(asked.headers.get("authorization", "").encode(), f"Bearer {self.password}".encode())


def _logged_in(asked: Request) -> bool:
    """Whether a request comes from a page on which the password was given."""
    app = asked.scope.get("app")
    names = [f"access-token-{kind}{getattr(app, 'cookie_id', '')}" for kind in ("", "unsecure-")]
    return any(asked.cookies.get(name) in getattr(app, "tokens", {}) for name in names)


def _malformed(asked: Request, fault: Exception) -> JSONResponse:
    log.warning("%s was sent what does not fit (%s)", asked.scope["path"], type(fault).__name__)
    return JSONResponse({"error": say("page.malformed")}, 400)


def _unknown(asked: Request, fault: Exception) -> JSONResponse:
    return JSONResponse({"error": say("page.no_such_function")}, 404)
