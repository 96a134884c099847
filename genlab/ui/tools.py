"""Tools: the functions of the API as assistants call them over MCP; they answer with pictures and JSON."""

import base64
import inspect
import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import gradio as gr
from gradio.context import LocalContext
from mcp import types

from genlab.errors import BadSetting
from genlab.registry import unknown
from genlab.ui.api import hears
from genlab.ui.preset import current
from genlab.ui.shared import in_time, sentence_for
from genlab.ui.spaces import visiting
from genlab.ui.words import say

Tools = Mapping[str, Callable[..., Any]]


class Refused(Exception):
    """What an assistant is told of a call that failed."""


def equip(page: gr.Blocks, functions: Tools) -> None:
    """Let the page's MCP server call these functions itself, without Gradio's detour over HTTP, which knows no password."""
    gradios: Any = page.mcp_server_obj
    named = {tool: functions[endpoint.lstrip("/")] for tool, endpoint in gradios.tool_to_endpoint.items()}

    @gradios.mcp_server.call_tool(validate_input=False)  # the functions refuse in sentences
    async def call(name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        context = gradios.mcp_server.request_context
        token, gone = context.meta and context.meta.progressToken, threading.Event()
        LocalContext.request.set(context.request)

        async def tell(step: int, total: int) -> None:
            await context.session.send_progress_notification(token, step, total, related_request_id=str(context.request_id))

        def heard(step: int, total: int) -> None:
            if gone.is_set():
                raise BadSetting(say("page.left"))
            if token is not None:
                anyio.from_thread.run(tell, step, total)

        hears.set(heard)

        def work() -> types.CallToolResult:
            with visiting():
                try:
                    if name not in named:
                        raise BadSetting(unknown("tool", name, list(named)))
                    with in_time(current().answer):
                        return _result(_called(named[name], arguments))
                except Exception as fault:
                    raise Refused(sentence_for(fault)) from None

        try:
            return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=page.limiter)
        finally:
            gone.set()  # closing the connection ends the work, too


def _called(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """The answer of a function; raises BadSetting for arguments that it does not have, or lacks."""
    possible = inspect.signature(function).parameters
    for name in arguments:
        if name not in possible:
            raise BadSetting(unknown("argument", name, list(possible)))
    if missing := [name for name, about in possible.items() if about.default is about.empty and name not in arguments]:
        raise BadSetting("{name} is missing; give one.", name=missing[0])
    return function(**arguments)


def _result(answer: Any) -> types.CallToolResult:
    """Pictures as they are and facts as JSON; no path of this machine."""
    picture, facts = answer if isinstance(answer, tuple) else (None, answer)
    content: list[Any] = [types.TextContent(type="text", text=json.dumps(facts, ensure_ascii=False))]
    if picture:
        data = base64.b64encode(Path(picture["path"]).read_bytes()).decode()
        content.insert(0, types.ImageContent(type="image", data=data, mimeType="image/png"))
    return types.CallToolResult(content=content, structuredContent=facts if isinstance(facts, dict) else {"result": facts})
