"""Serving: the page at an address, with everything of Gradio's that it does not need switched off."""

import os
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import torch

from genlab.errors import GenlabError

os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=str(Path(tempfile.gettempdir()) / f"genlab-page-{os.getuid()}")
)
for switch in ("GRADIO_SHARE", "GRADIO_MCP_SERVER", "GRADIO_VIBE_MODE", "GRADIO_WATCH_DIRS"):
    os.environ.pop(switch, None)

from genlab.data import load  # noqa: E402
from genlab.training import worker  # noqa: E402
from genlab.training.checkpoint import list_models  # noqa: E402
from genlab.ui.guard import middleware  # noqa: E402
from genlab.ui.page import FIRST_MODEL, STYLES, build_page, head  # noqa: E402
from genlab.ui.shared import device, open_model, queue  # noqa: E402
from genlab.ui.theme import theme  # noqa: E402
from genlab.ui.words import translations  # noqa: E402


def serve(host: str, port: int) -> int:
    """Serve until interrupted; 2 where the device cannot be had."""
    try:
        torch.zeros(1, device=device())
    except (RuntimeError, AssertionError):
        print(f"The device {device()!r} is not there on this machine; leave --device out, or set it to cpu.", file=sys.stderr)
        return 2
    page = build_page()
    page.queue(max_size=32, api_open=False, default_concurrency_limit=2)
    page.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        show_error=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        ssr_mode=False,
        pwa=False,
        share=False,
        max_file_size="20mb",
        max_threads=16,
        state_session_capacity=200,
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None, "middleware": middleware(host)},
        i18n=translations(),
        theme=theme(),
        css_paths=STYLES,
        head=head(),
    )
    print(f"genlab is at http://{host}:{port}", flush=True)
    threading.Thread(target=_warm_up, daemon=True).start()
    page.block_thread()
    return 0


def _warm_up() -> None:
    """What would make the first visitor wait; one after the other, the picture on screen first."""
    with suppress(GenlabError):
        if FIRST_MODEL in list_models():
            load(open_model(FIRST_MODEL).dataset)
    worker.prepare()
    queue().keep_going()
