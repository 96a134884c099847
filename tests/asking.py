"""A client that speaks to the page's functions as its scripts do."""

import json
from collections.abc import Sequence
from typing import Any

import httpx


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

    def run(self, event: dict[str, Any], values: Sequence[Any]) -> dict[str, Any]:
        """What becomes of an event."""
        call = {"data": list(values), "fn_index": event["id"], "session_hash": self.session}
        if event["queue"] is False:
            return self.client.post("/gradio_api/run/x", json=call).json()
        self.client.post("/gradio_api/queue/join", json=call).raise_for_status()
        with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:") or "{}")
                if message.get("msg") == "process_completed":
                    return message["output"]
        raise AssertionError("the stream ended before the event")
