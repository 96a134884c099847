"""Serving: the page at an address, with everything of Gradio's that it does not need switched off."""

import ctypes
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import torch

from genlab.errors import GenlabError

os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(Path(tempfile.gettempdir()) / f"genlab-page-{os.getuid()}")
)
for switch in ("GRADIO_SHARE", "GRADIO_MCP_SERVER", "GRADIO_VIBE_MODE", "GRADIO_WATCH_DIRS"):
    os.environ.pop(switch, None)

from genlab.data import load  # noqa: E402
from genlab.paths import data_folder, datasets_folder, runs_folder, visitors_folder  # noqa: E402
from genlab.quality import DEFECTS  # noqa: E402
from genlab.training import worker  # noqa: E402
from genlab.training.checkpoint import list_models  # noqa: E402
from genlab.ui.kit.shared import device, forget_visitor, give_back, open_model, queue  # noqa: E402
from genlab.ui.page import FIRST_MODEL, STYLES, build_page, head  # noqa: E402
from genlab.ui.server import preset, scripts  # noqa: E402
from genlab.ui.server.api import functions  # noqa: E402
from genlab.ui.server.guard import LOCAL, handlers, middleware  # noqa: E402
from genlab.ui.server.spaces import keep_swept, visiting  # noqa: E402
from genlab.ui.server.tools import equip  # noqa: E402
from genlab.ui.theme import theme  # noqa: E402
from genlab.ui.words import Translations, say  # noqa: E402

SWITCH = 0.0005  # seconds; a picture lets others have the interpreter forty times, and each of them may keep it so long
ARENAS, M_ARENA_MAX = 2, -8  # parts of the memory, each of which keeps what its threads have freed; the name in glibc's malloc.h
USER = "genlab"  # the name that goes with the password
FIRST_SECONDS = 5  # after the start, in which the processors belong to those who open the page


def serve(host: str, port: int, public: bool = False, share: bool = False, password: str | None = None) -> int:
    """Serve until interrupted; 2 where the device or the link that was asked for cannot be had.

    `public` serves strangers under the caps of `preset.PUBLIC`, `share` gives them a link through Gradio's tunnel.
    """
    try:
        torch.zeros(1, device=device())
    except (RuntimeError, AssertionError):
        print(f"The device {device()!r} is not there on this machine; leave --device out, or set it to cpu.", file=sys.stderr)
        return 2
    with suppress(AttributeError, TypeError):  # another C library than glibc
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
    preset.choose(preset.PUBLIC if public else preset.LOCAL)
    hosts = hosts_of(host)
    with visiting():  # what the page is built with is seen by all
        page = build_page()
    page.queue(max_size=200, api_open=False, default_concurrency_limit=2)
    page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        show_error=False,
        footer_links=["api"],
        run_history=False,
        enable_monitoring=False,
        mcp_server=True,
        ssr_mode=False,
        pwa=False,
        share=share,
        auth=[(USER, password)] if password else None,
        auth_message=say("public.login") if password else None,
        max_file_size=preset.current().request,
        allowed_paths=[],
        blocked_paths=[str(folder()) for folder in (data_folder, runs_folder, datasets_folder, visitors_folder)],
        strict_cors=True,
        max_threads=64,  # many of which only wait for a place
        state_session_capacity=200,
        app_kwargs={
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
            "routes": [scripts.route()],
            "middleware": middleware(hosts, password, framed="SPACE_HOST" in os.environ),
            "exception_handlers": handlers(),
        },
        i18n=Translations(),
        theme=theme(),
        css_paths=STYLES,
        head=head(),
    )
    equip(page, functions())
    sys.setswitchinterval(SWITCH)
    print(f"genlab is at http://{host}:{port}", flush=True)
    if password:
        print(f"User {USER}, password {password}", flush=True)
    if share and not page.share_url:
        print("No share link could be had: Gradio's tunnel did not answer. Is this machine online?", file=sys.stderr)
        page.close(verbose=False)
        return 2
    if share:
        hosts.append(urlsplit(page.share_url).hostname)
        whom = "the link and the password" if password else "the link"
        print(f"Anyone who has {whom} can use this computer. The link ends after a week.", flush=True)
    if public:
        keep_swept(forget_visitor, give_back)
    threading.Thread(target=_warm_up, daemon=True).start()
    page.block_thread()
    return 0


def hosts_of(host: str) -> list[str]:
    """The names under which this server answers; one that listens everywhere cannot know them and takes any."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  a comparison, not a binding
        return ["*"]
    return [*LOCAL, host, *filter(None, [os.environ.get("SPACE_HOST")])]


def _warm_up() -> None:
    """What would make the first visitor wait; one after the other, the picture on screen first."""
    with suppress(GenlabError):
        if FIRST_MODEL in list_models():
            load(open_model(FIRST_MODEL).dataset)
    queue().keep_going()
    time.sleep(FIRST_SECONDS)
    worker.prepare()
    for name in DEFECTS:  # what the Data tab opens with
        DEFECTS[name]
