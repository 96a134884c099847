"""A client that speaks to the page's functions as its scripts do."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx

from genlab.models import MODELS

T = TypeVar("T")
CALLS: dict[str, dict[str, Any]] = {  # one of each function for programs
    "sample": {"model": "dcgan-mnist", "n": 4.0, "label": 3},
    "decode": {"model": "vae-mnist", "latent": [0.0] * 16},
    "interpolate": {"model": "vae-mnist", "seed": 0, "end_seed": 1, "frames": 4},
    "inspect": {"dataset": "digits", "n": 4},
    "list_models": {},
    "list_datasets": {},
}


def apart(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it, in a thread of its own: the browser's driver may have a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


class Asker:
    """One visitor; `session` is what Gradio tells the open pages of one browser apart by."""

    def __init__(self, client: httpx.Client, session: str = "asker") -> None:
        self.client, self.session = client, session
        config = client.get("/config").json()
        self.events = {event["api_name"]: event for event in config["dependencies"] if event["backend_fn"]}
        self.functions = {name: one["id"] for one in config["components"] for name in one["props"].get("server_fns") or []}

    def ask(self, name: str, data: Any) -> Any:
        """What a widget's function answers."""
        call = {"data": data, "component_id": self.functions[name], "fn_name": name, "session_hash": self.session}
        return self.client.post("/gradio_api/component_server/", json=call).json()

    def run(self, event: dict[str, Any], values: Sequence[Any], data: Any = None) -> dict[str, Any]:
        """What becomes of an event; `data` is what a widget sends along with it."""
        call = {"data": list(values), "event_data": data, "fn_index": event["id"], "session_hash": self.session}
        if event["queue"] is False:
            return self.client.post("/gradio_api/run/x", json=call).json()
        self.client.post("/gradio_api/queue/join", json=call).raise_for_status()
        with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:") or "{}")
                if message.get("msg") == "process_completed":
                    return message["output"]
        raise AssertionError("the stream ended before the event")

    def start(self, dataset: str, **changed: object) -> dict[str, Any]:
        """Press Start in the Train tab of a page that was opened just now; the name of the run, or why there is none."""
        self.run(self.events["_look"], ["vae-mnist", "digits", None])
        values = {name: {s.name: [] if s.parts else s.default for s in model.Settings.fields()} for name, model in MODELS.items()}
        values["vae"] |= changed
        form = [value for family in values.values() for value in family.values()]
        event = max(self.events.values(), key=lambda event: len(event["inputs"]))
        return self.run(event, ["vae", dataset, "defaults", "", "", *form])["data"][0]

    def bring(self, file: Path, name: str, **wish: object) -> dict[str, Any]:
        """Upload a file and import it; what the import told last."""
        with file.open("rb") as content:
            (path,) = self.client.post("/gradio_api/upload", files={"files": (file.name, content)}).raise_for_status().json()
        found = self.ask("look", {"paths": [path]})
        if "error" in found:
            return found
        folders = [folder["name"] for folder in found["folders"]]
        asked = {"paths": [path], "name": name, "folders": folders, "size": None, "mode": "auto"} | wish
        return self.run(self.events["_bring"], [], asked)["data"][0]
