"""Whatever a client sends to whichever function, the page answers in a sentence, reads no other file and fetches nothing."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from attacks import VALUES, paths_to, urls_to
from serving import PublicPage

API = "/gradio_api"
CANARY = "canary-4f1c9d"


class Attacker:
    """A client that notes every answer which is no sentence."""

    def __init__(self, page: PublicPage) -> None:
        self.client = page.visitor()
        self.wrong: list[str] = []
        self.sent = 0
        config = self.client.get("/config").json()
        self.events = [event for event in config["dependencies"] if event["backend_fn"]]
        self.functions = [(one["id"], name) for one in config["components"] for name in one["props"].get("server_fns") or []]

    def post(self, path: str, body: str) -> httpx.Response:
        self.sent += 1
        answer = self.client.post(API + path, content=body, headers={"Content-Type": "application/json"})
        if answer.status_code >= 500 or '"error":null' in answer.text.replace(" ", ""):
            self.wrong.append(f"{path} {body[:150]} -> {answer.status_code} {answer.text[:150]}")
        return answer

    def call(self, event: dict[str, Any], values: list[str], session: str = "attack") -> dict[str, Any]:
        """Send values to an event the way that it takes, and wait for what becomes of it."""
        body = f'{{"data": [{",".join(values)}], "fn_index": {event["id"]}, "session_hash": "{session}"}}'
        if event["queue"] is False:
            return self.post("/run/x", body).json()
        if self.post("/queue/join", body).is_error:
            return {}
        with self.client.stream("GET", f"{API}/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:") or "{}")
                if message.get("msg") == "process_completed":
                    if not message["success"] and not message["output"].get("error"):
                        self.wrong.append(f"{event['api_name']} {body[:150]} -> {message}"[:400])
                    return message["output"]
        return {}

    def attack(self, event: dict[str, Any], session: str = "attack") -> None:
        """Send every bad value, too few and too many of them, and what is no request at all."""
        for value in VALUES:
            self.call(event, [value] * len(event["inputs"]), session)
        for body in (
            '{"data": [], "fn_index": %d}',
            '{"data": [1,2,3,4,5,6,7,8,9,10,11,12], "fn_index": %d}',
            '{"fn_index": %d}',
        ):
            self.post("/run/x", body % event["id"])
            self.post("/queue/join", body % event["id"])


@pytest.fixture(scope="module")
def attacker(public_page: PublicPage) -> Attacker:
    return Attacker(public_page)


@pytest.fixture(autouse=True)
def unharmed(public_page: PublicPage, attacker: Attacker) -> Iterator[None]:
    """After each attack the page is well, every answer was a sentence, and the log holds no traceback."""
    before = len(public_page.log)
    attacker.wrong.clear()
    yield
    assert not attacker.wrong, "\n".join(attacker.wrong[:10])
    assert "Traceback" not in public_page.log[before:], public_page.log[before:][:3000]
    started = time.monotonic()
    assert attacker.client.get("/").status_code == 200
    assert time.monotonic() - started < 1


def test_every_event_refuses_what_it_does_not_expect(attacker: Attacker):
    for event in attacker.events:
        attacker.attack(event)
    assert attacker.sent > 15 * len(attacker.events)


def test_events_that_are_drawn_later_do_so_too(attacker: Attacker):
    drawn = []
    for event in (event for event in attacker.events if event["api_visibility"] == "undocumented"):
        values = ['["vae", "small"]'] if len(event["inputs"]) == 1 else ['"vae-mnist"', "{}"]
        config = attacker.call(event, values, "drawn").get("render_config") or {"dependencies": []}
        drawn += [later for later in config["dependencies"] if later["backend_fn"]]
    assert drawn, "the button Draw"
    for event in drawn:
        attacker.attack(event, "drawn")


def test_every_function_of_the_widgets_refuses_what_it_does_not_expect(attacker: Attacker):
    for component, name in attacker.functions:
        for value in VALUES:
            call = f'"component_id": {component}, "fn_name": "{name}", "session_hash": "attack"'
            answer = attacker.post("/component_server/", f'{{"data": {value}, {call}}}')
            assert "Something went wrong" not in answer.text, (name, value[:60], answer.text[:100])


def test_gradios_own_routes_refuse_what_they_do_not_expect(attacker: Attacker):
    component, name = attacker.functions[0]
    call = {"data": "1", "component_id": str(component), "fn_name": f'"{name}"', "session_hash": '"attack"'}
    routes = (
        "/run/sample",
        "/run/nope",
        "/call/sample",
        "/call/nope",
        "/call/v2/sample",
        "/call/v2/nope",
        "/queue/join",
        "/cancel",
    )
    for value in VALUES:
        for field in call:
            body = ",".join(f'"{key}": {content}' for key, content in (call | {field: value}).items())
            attacker.post("/component_server/", f"{{{body}}}")
        for route in routes:
            attacker.post(route, value)
            for field in ("data", "fn_index", "session_hash", "event_data", "trigger_id"):
                attacker.post(route, f'{{"{field}": {value}}}')
    for route in (*routes, "/component_server/", "/upload"):
        attacker.post(route, "{bad")
    for name in ("", "../../up.png", "x" * 400, "a\x00b", "CON"):
        assert attacker.client.post(f"{API}/upload", files={"files": (name, b"x")}).status_code < 500


class Listener:
    """A server of this machine that must not be asked anything."""

    def __init__(self) -> None:
        hits = self.hits = []

        class Note(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hits.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(CANARY.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Note)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def told(page: PublicPage, attacker: Attacker, what: str) -> Iterator[str]:
    """What comes back when one name is given wherever names are taken."""
    client, file = attacker.client, {"path": what, "url": what, "meta": {"_type": "gradio.FileData"}}
    for route in (f"{API}/file=", f"{API}/file/", "/static/", "/assets/"):
        try:
            yield client.get(f"{page.address}{route}{what}").text
        except (httpx.InvalidURL, httpx.RemoteProtocolError):
            continue
    choose, sample = attacker.events[0], next(event for event in attacker.events if event["api_name"] == "sample")
    for value in (file, [file], what):
        yield json.dumps(attacker.call(choose, [json.dumps(value)] * len(choose["inputs"])))
    yield json.dumps(attacker.call(sample, [json.dumps(what), "1", "0", '""', "{}"]))
    for component, name in attacker.functions:
        if name in ("latent_open", "gallery", "watch"):
            data = {"latent_open": what, "gallery": {"dataset": what}, "watch": {"run": what, "since": {what: 0}}}[name]
            call = {"data": data, "component_id": component, "fn_name": name, "session_hash": "attack"}
            yield attacker.post("/component_server/", json.dumps(call)).text
    yield client.post(f"{API}/upload", files={"files": (what, b"harmless")}).text


def test_no_path_leads_to_a_file_of_others(public_page: PublicPage, attacker: Attacker, tmp_path: Path):
    secret = public_page.folder / "runs" / "secret.txt"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text(CANARY)
    (tmp_path / "link.txt").symlink_to(secret)
    before = set(public_page.folder.rglob("*"))
    paths = [*paths_to(str(secret)), str(tmp_path / "link.txt")]
    assert len(set(paths)) >= 60
    for path in paths:
        for answer in told(public_page, attacker, path):
            assert CANARY not in answer, path
            assert "GENLAB_VISITORS" not in answer, path  # of the server's environment
    assert set(public_page.folder.rglob("*")) == before, "nothing was written"


def test_nothing_is_fetched_from_elsewhere(public_page: PublicPage, attacker: Attacker):
    listener = Listener()
    urls = urls_to(listener.server.server_port)
    assert len(set(urls)) == 24
    assert CANARY in httpx.get(urls[0]).text, "it does listen"
    listener.hits.clear()
    for url in urls:
        for answer in (*told(public_page, attacker, url), attacker.client.get(f"{API}/proxy={url.replace('%00', '')}").text):
            assert CANARY not in answer
    listener.server.shutdown()
    assert listener.hits == []
