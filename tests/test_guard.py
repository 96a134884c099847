"""The guard lets the page through, and nothing that the page never sends."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from genlab.ui.server import guard, preset
from genlab.ui.server.preset import Preset


async def count_bytes(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def client() -> TestClient:
    routes = [Route("/{path:path}", count_bytes, methods=["GET", "POST"])]
    return TestClient(Starlette(routes=routes, middleware=guard.middleware([*guard.LOCAL])), base_url="http://127.0.0.1:7860")


def test_the_pages_own_requests_pass(client: TestClient):
    answer = client.post("/gradio_api/queue/join", content=b"1234", headers={"Origin": "http://127.0.0.1:7860"})
    assert (answer.status_code, answer.text) == (200, "4")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:7861", "http://localhost:7860"])
def test_another_sites_post_is_refused(client: TestClient, origin: str):
    assert client.post("/gradio_api/upload", headers={"Origin": origin}).status_code == 403


def test_a_foreign_host_name_is_refused(client: TestClient):
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


UNNEEDED = (
    "monitoring/summary",
    "gradio_api/deep_link",
    "gradio_api/process_recording",
    "gradio_api/proxy=https://example.org",
    "gradio_api/file=http://example.org/x",
    "gradio_api/runs",
    "pwa_icon/8000",
    "openapi.json",
)


@pytest.mark.parametrize("path", UNNEEDED)
def test_routes_that_the_page_does_not_need_are_closed(client: TestClient, path: str):
    assert client.get(f"/{path}").status_code == 404


def test_an_oversized_body_is_refused_however_it_is_sent(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preset, "_current", Preset(request=1000))
    assert client.post("/gradio_api/upload", content=b"x" * 1001).status_code == 413
    assert client.post("/gradio_api/upload", content=(b"x" * 400 for _ in range(4))).status_code == 413
    assert client.post("/gradio_api/upload", content=b"x" * 1000).status_code == 200
