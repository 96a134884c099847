"""Scripts: the page's modules, at an address that changes with them: a browser keeps them, and never mixes two versions."""

import hashlib
import json
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genlab.ui.words import catalogues

UI = Path(__file__).parents[1]
OPENING = UI / "opening.js"  # the only one that is no module
KEPT = {"cache-control": "public, max-age=31536000, immutable"}


@cache
def scripts() -> dict[str, bytes]:
    """Every module by where it lies, and the catalogues as one."""
    words = f"export const catalogues = {json.dumps(catalogues(), ensure_ascii=False)};\n"
    files = {file.relative_to(UI).as_posix(): file.read_bytes() for file in sorted(UI.rglob("*.js")) if file != OPENING}
    return {**files, "languages.js": words.encode()}


@cache
def folder() -> str:
    """Where they are served, seen from the page."""
    content = hashlib.sha256()
    for name, script in scripts().items():
        content.update(f"{name} {len(script)} ".encode() + script)
    return f"scripts/{content.hexdigest()[:12]}"


def route() -> Route:
    """What answers for them; the page before a login needs them as well, and they tell nothing."""
    return Route("/scripts/{version}/{name:path}", _script)


async def _script(asked: Request) -> Response:
    found = scripts().get(asked.path_params["name"]) if asked.path_params["version"] == folder().split("/")[1] else None
    if found is None:
        return Response("Not found.", 404, media_type="text/plain")
    return Response(found, headers=KEPT, media_type="text/javascript")
