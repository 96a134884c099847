"""Tools: the functions of the API as assistants call them over MCP; they answer with pictures and JSON."""

import base64
import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import gradio as gr
from gradio.context import LocalContext
from mcp import types

from genlab.errors import BadSetting
from genlab.registry import unknown
from genlab.ui.preset import current
from genlab.ui.shared import in_time, sentence_for
from genlab.ui.spaces import visiting

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
        LocalContext.request.set(context.request)

        def work() -> types.CallToolResult:
            with visiting():
                try:
                    if name not in named:
                        raise BadSetting(unknown("tool", name, list(named)))
                    with in_time(current().answer):
                        return _result(_called(named[name], arguments))
                except Exception as fault:
                    raise Refused(sentence_for(fault)) from None

        return await anyio.to_thread.run_sync(work, limiter=page.limiter)


def _called(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """The answer of a function; raises BadSetting for arguments that it does not have, or lacks."""
    possible = inspect.signature(function).parameters
    for name in arguments:
        if name not in possible:
            raise BadSetting(unknown("argument", name, list(possible)))
    if missing := [name for name, about in possible.items() if about.default is about.empty and name not in arguments]:
        raise BadSetting(f"{missing[0]} is missing; give one.")
    return function(**arguments)


def _result(answer: Any) -> types.CallToolResult:
    """Pictures as they are and facts as JSON; no path of this machine."""
    picture, facts = answer if isinstance(answer, tuple) else (None, answer)
    content: list[Any] = [types.TextContent(type="text", text=json.dumps(facts, ensure_ascii=False))]
    if picture:
        data = base64.b64encode(Path(picture["path"]).read_bytes()).decode()
        content.insert(0, types.ImageContent(type="image", data=data, mimeType="image/png"))
    return types.CallToolResult(content=content, structuredContent=facts if isinstance(facts, dict) else {"result": facts})
