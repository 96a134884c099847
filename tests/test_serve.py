"""Serving: what is reachable at all, who is let in, and what a share link changes."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import httpx
import pytest
from asking import CALLS, apart
from gradio import networking
from gradio_client import Client
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import CallToolResult

from genlab.ui.server import preset, serve
from genlab.ui.server.scripts import folder

ROUTES = Path(__file__).parent / "routes.txt"
Probe = Callable[[gr.Blocks, str], None]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Serve in this process; the probe is called with the page and its address while it is up."""
    monkeypatch.setattr(preset, "_current", preset.LOCAL)
    monkeypatch.setattr(serve, "_warm_up", lambda: None)
    monkeypatch.setattr(serve, "keep_swept", lambda left, after: None)
    monkeypatch.chdir(tmp_path)  # Gradio's tunnel writes a certificate where it is

    def run(probe: Probe, **options: object) -> int:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        monkeypatch.setattr(gr.Blocks, "block_thread", lambda page: probe(page, f"http://127.0.0.1:{port}"))
        return serve.serve("127.0.0.1", port, **options)

    yield run
    gr.close_all(verbose=False)


def routes_of(router: object) -> Iterator[str]:
    """Every route with its methods, those of routers within routers too."""
    for route in router.routes:
        if hasattr(route, "original_router"):
            yield from routes_of(route.original_router)
        else:
            yield f"{' '.join(sorted(getattr(route, 'methods', None) or ['*']))} {route.path}"


def test_no_update_of_gradio_adds_a_way_in_unseen(served: Callable[..., int]):
    found: list[str] = []

    assert served(lambda page, _: found.extend(sorted(set(routes_of(page.app.router))))) == 0
    assert found == ROUTES.read_text().splitlines(), "look at each new route, deny it in guard.py or add it to routes.txt"


async def called_by_an_assistant(address: str, headers: dict[str, str]) -> list[CallToolResult]:
    async with (
        streamablehttp_client(f"{address}/gradio_api/mcp/", headers=headers) as (read, write, _),
        ClientSession(read, write) as one,
    ):
        await one.initialize()
        return [await one.call_tool(name, values) for name, values in CALLS.items()]


def test_a_password_guards_everything_but_the_way_in(
    served: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    def probe(page: gr.Blocks, address: str) -> None:
        for method, path in [
            ("GET", "config"),
            ("GET", "gradio_api/info"),
            ("GET", "gradio_api/file=/etc/passwd"),
            ("POST", "gradio_api/run/sample"),
            ("POST", "gradio_api/call/sample"),
            ("POST", "gradio_api/queue/join"),
            ("POST", "gradio_api/component_server/"),
            ("POST", "gradio_api/upload"),
            ("GET", "gradio_api/queue/data?session_hash=x"),
            ("POST", "gradio_api/mcp/"),
            ("GET", "gradio_api/mcp/schema"),
            ("POST", "gradio_api/reset"),
            ("POST", "gradio_api/cancel"),
            ("GET", "gradio_api/heartbeat/x"),
        ]:
            assert httpx.request(method, f"{address}/{path}", json={"data": []}).status_code == 401, path
        assert httpx.get(f"{address}/{folder()}/footer.js").status_code == 200, "the way in has it, too"
        client = httpx.Client(base_url=address)
        assert client.post("/login", data={"username": "genlab", "password": "wrong"}).status_code == 400
        assert client.post("/login", data={"username": "genlab", "password": "secret"}).status_code == 200
        typed = {"username": (None, "genlab"), "password": (None, "secret")}
        assert httpx.post(f"{address}/login", files=typed).status_code == 200, "as Gradio's form sends it"
        client.cookies = httpx.Cookies({name: value for name, value in client.cookies.items() if "unsecure" in name})
        assert client.get("/config").status_code == 200
        assert client.post("/gradio_api/reset", json={"event_id": "x"}).status_code == 200
        answer = client.post("/gradio_api/run/sample", json={"data": ["vae-mnist", 1, 0, "", {}]}, timeout=120)
        assert answer.status_code == 200, answer.text
        bearer = {"Authorization": "Bearer secret"}
        known = Client(address, auth=("genlab", "secret"), verbose=False, download_files=str(tmp_path))
        assert all(known.predict(**values, api_name=f"/{name}") for name, values in CALLS.items())
        told = apart(called_by_an_assistant(address, bearer))
        assert not any(answer.isError for answer in told)
        assert told[2].structuredContent["frames"] == 4
        assert set(httpx.get(f"{address}/gradio_api/mcp/schema", headers=bearer).json()[0]) >= {"name", "description"}

    assert served(probe, public=True, password="secret") == 0
    assert "User genlab, password secret" in capsys.readouterr().out


def test_a_share_link_is_one_of_the_pages_names(
    served: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(networking, "setup_tunnel", lambda **_: "https://ab12.gradio.live")

    def probe(page: gr.Blocks, address: str) -> None:
        shared = {"Host": "ab12.gradio.live", "Origin": "https://ab12.gradio.live"}
        first = httpx.get(address, headers=shared)
        assert first.status_code == 200
        assert "genlab-visitor=" in first.headers["set-cookie"]
        assert httpx.get(f"{address}/{folder()}/kit/genlab.js", headers=shared).status_code == 200
        call = {"data": ["vae-mnist", 1, 0, "", {}]}
        assert httpx.post(f"{address}/gradio_api/run/sample", json=call, headers=shared, timeout=120).status_code == 200
        for foreign in ({"Host": "evil.gradio.live"}, shared | {"Origin": "https://evil.gradio.live"}):
            assert httpx.post(f"{address}/gradio_api/run/sample", json=call, headers=foreign).status_code in (400, 403)
        call = {
            "data": ["vae-mnist", "digits", None],
            "fn_index": next(i for i, fn in page.fns.items() if fn.api_name == "_look"),
        }
        asked = httpx.post(f"{address}/gradio_api/run/x", json=call | {"session_hash": "x"}, headers=shared, timeout=120)
        assert asked.status_code == 200, asked.text
        status = asked.json()["data"][0]
        assert (status["address"], status["public"]) == ("https://ab12.gradio.live/", True)

    assert served(probe, public=True, share=True) == 0
    assert "Anyone who has the link can use this computer" in capsys.readouterr().out


def test_without_a_tunnel_there_is_no_share_link_and_no_page(
    served: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def offline(**_: object) -> str:
        raise RuntimeError("no route")

    monkeypatch.setattr(networking, "setup_tunnel", offline)
    assert served(lambda *_: pytest.fail("it serves without a link"), public=True, share=True) == 2
    assert "No share link could be had" in capsys.readouterr().err
