"""Bounds: how much each visitor may ask and send at once; what nobody waits for any longer is told so."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genlab.ui.server.preset import current
from genlab.ui.server.spaces import NOBODY, space_of, visitor_of
from genlab.ui.server.uploads import UPLOADS
from genlab.ui.words import say

UPLOAD = re.compile(r"^(/gradio_api)?/upload/?$")
LOGIN = re.compile(r"^(/gradio_api)?/login/?$")  # Gradio's form sends what is typed as a browser sends files
WAITING = 3  # calls of a visitor that may wait, for each that is answered


class Bounds:
    """Lets each visitor have so many calls at once, and takes no more files of theirs than there is room for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.turns = app, Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        asked, calls = Request(scope), current().calls
        try:
            async with self.turns.one(visitor_of(asked), calls):
                if UPLOAD.match(scope["path"]):
                    await self._take(asked, receive, send)
                elif asked.headers.get("content-type", "").startswith("multipart/") and not LOGIN.match(scope["path"]):
                    await PlainTextResponse(say("page.malformed"), 400)(scope, receive, send)  # it would leave files behind
                else:
                    await self._watch(asked, receive, send)
        except Crowded as crowded:
            refused = say("public.crowded", n=crowded.args[0], most=calls)
            await PlainTextResponse(refused, 429)(scope, receive, send)

    async def _watch(self, asked: Request, receive: Receive, send: Send) -> None:
        """Pass a call on, and note in its state when whoever asked has gone before there was an answer."""
        watching, started = None, False

        async def heard() -> Message:
            nonlocal watching
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                watching = watching or asyncio.create_task(wait())
            return message

        async def wait() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            asked.state.gone = not started

        async def told(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(asked.scope, heard, told)
        finally:
            if watching:
                watching.cancel()

    async def _take(self, asked: Request, receive: Receive, send: Send) -> None:
        """Take files as far as there is room, and remember whose they are."""
        space = space_of(asked.headers.get("cookie"))
        room, declared, taken = UPLOADS.room(space), asked.headers.get("content-length", ""), 0
        if space == NOBODY:
            return await PlainTextResponse(say("public.no_cookie"), 401)(asked.scope, receive, send)
        refusal = PlainTextResponse(say("public.uploads", mb=room // 2**20), 413)
        if declared.isdecimal() and int(declared) > room:
            return await refusal(asked.scope, receive, send)

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            sent.size = max(sent.size, taken)
            if taken > room:
                raise Full
            return message

        answer = bytearray()

        async def told(message: Message) -> None:
            answer.extend(message.get("body", b""))
            await send(message)

        with UPLOADS.coming(space, int(declared) if declared.isdecimal() else 0) as sent:
            try:
                await self.app(asked.scope, counted, told)
            except Full:
                return await refusal(asked.scope, receive, send)
            with suppress(ValueError, TypeError):  # a refusal of Gradio's
                sent.files = frozenset(Path(file).resolve() for file in json.loads(bytes(answer)))


class Full(Exception):
    """More bytes than there is room for."""


class Crowded(Exception):
    """More calls at once than a visitor may have; how many."""


class Turns:
    """The calls of each visitor: so many are answered at once, and some wait for these without a thread of the server's."""

    def __init__(self) -> None:
        self._lines: dict[Path | None, _Line] = {}

    @asynccontextmanager
    async def one(self, whose: Path | None, most: int | None) -> AsyncIterator[None]:
        """Wait for one's turn, where no more than `most` are answered; raises Crowded where too many wait already."""
        if most is None:
            yield
            return
        line = self._lines.setdefault(whose, _Line(asyncio.Semaphore(most)))
        if line.length == (1 + WAITING) * most:
            raise Crowded(line.length + 1)
        line.length += 1
        try:
            async with line.places:
                yield
        finally:
            line.length -= 1
            if not line.length:
                del self._lines[whose]


@dataclass
class _Line:
    places: asyncio.Semaphore
    length: int = 0  # of those that are answered and those that wait
