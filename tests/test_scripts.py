"""The page's modules: served at an address of their version, and nothing beside them; what they tell one another is listed."""

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from genlab.ui.server import guard, scripts

CODE = "\n".join(file.read_text() for file in scripts.UI.rglob("*") if file.suffix in {".py", ".js"})


@pytest.fixture
def client() -> TestClient:
    return TestClient(
        Starlette(routes=[scripts.route()], middleware=guard.middleware([*guard.LOCAL])), base_url="http://127.0.0.1:7860"
    )


@pytest.mark.parametrize("name", ["kit/genlab.js", "tabs/latent/latent.js", "footer.js", "languages.js"])
def test_a_module_is_kept_by_browsers_under_an_address_of_its_version(client: TestClient, name: str):
    answer = client.get(f"/{scripts.folder()}/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/scripts/another/{name}").status_code == 404


@pytest.mark.parametrize(
    "name", ["page.py", "tabs/data/facts.html", "kit/", "../page.py", "%2e%2e/%2e%2e/app.py", "languages/en.json"]
)
def test_nothing_else_is_served_beside_them(client: TestClient, name: str):
    assert client.get(f"/{scripts.folder()}/{name}").status_code == 404


def test_any_change_changes_the_address(monkeypatch: pytest.MonkeyPatch):
    before = scripts.folder()
    monkeypatch.setattr(scripts, "scripts", lambda: {"footer.js": b"export function start() {}"})
    assert scripts.folder.__wrapped__() != before


def test_every_topic_is_listed_and_every_listed_one_is_told():
    listed = re.search(r"TOPICS = \{(.*?)\n\};", (scripts.UI / "kit" / "topics.js").read_text(), re.DOTALL)
    topics = set(re.findall(r'(?:"([a-z -]+)"|\b(\w+)): "', listed[1] if listed else ""))
    told = set(re.findall(r"""\b(?:tell|pick|begin)\(["']([a-z -]+)["']""", CODE)) | {
        "dataset",
        "model",
    }  # which the pickers tell
    heard = set(re.findall(r"""\b(?:listen|recall|isTold)\(["']([a-z -]+)["']""", CODE))
    assert told == {quoted or plain for quoted, plain in topics}
    assert heard <= told
