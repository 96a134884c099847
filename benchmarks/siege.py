"""A siege of a public page: strangers do all that could stop it, at random, while a few who are honest go on.

    python -m benchmarks.siege [--seconds 300] [--attackers 20] [--honest 5] [--seed 0] [--crowd 50]

Attackers and honest visitors are processes of their own on this machine, and take their share of its processors. The honest
drag a slider (the clock runs from the question to the picture), sample, train and import; `--crowd` of them only drag, before.
"""

import argparse
import io
import itertools
import json
import multiprocessing
import random
import statistics
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from asking import Asker  # noqa: E402
from attacks import VALUES  # noqa: E402
from serving import Address, serving  # noqa: E402

from genlab.paths import shipped_models  # noqa: E402
from genlab.ui.server.preset import PUBLIC  # noqa: E402
from genlab.ui.server.spaces import SWEEP  # noqa: E402
from genlab.ui.server.sweeper import size_of  # noqa: E402

API = "/gradio_api"
MODEL = "vae-mnist"
BUSY = (413, 429, 503)  # refusals for want of room
REST = 1.0  # seconds that an attacker rests at most after each attack
MOST_ATTACKS = 5000  # of each


@dataclass
class Seen:
    """What happened to some visitors."""

    times: list[float] = field(default_factory=list)  # seconds from a slider to its picture
    wrong: list[str] = field(default_factory=list)  # what should not have happened
    refused: Counter[str] = field(default_factory=Counter)  # sentences of refusal
    done: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Seen") -> None:
        self.times += other.times
        self.wrong += other.wrong
        self.refused += other.refused
        self.done += other.done


# --- The honest ---


class Honest:
    """Somebody who drags, samples, trains and imports, and looks whether all that is theirs is still there."""

    def __init__(self, address: str, seed: int) -> None:
        self.draw, self.seen = random.Random(seed), Seen()
        patient = httpx.Limits(keepalive_expiry=2)  # as a browser, which asks again where the server had closed the connection
        self.client = httpx.Client(base_url=address, timeout=120, limits=patient)
        self.client.get("/").raise_for_status()
        self.asker = Asker(self.client, f"honest-{seed}-{time.time()}")
        self.version = self.asker.ask("latent_open", MODEL)["version"]
        self.known: dict[str, str] = {}  # digests of what must stay as it is

    def drag(self, moves: int) -> None:
        axis = self.draw.randrange(16)
        for _ in range(moves):
            values = [0.0] * 16
            values[axis] = self.draw.uniform(-3, 3)
            began = time.perf_counter()
            if self._ask("latent_decode", self._point(values)):
                self.seen.times.append(time.perf_counter() - began)
            time.sleep(0.02)

    def live(self, until: float) -> None:
        """All that one does, once at least and again and again."""
        acts = (self.drag_a_while, self.train, self.sample, self.bring, self.look)
        for act in acts:
            self._try(act)
        for act in itertools.cycle(acts):
            if time.monotonic() > until:
                break
            self._try(act)
        self._try(self.look)

    def drag_a_while(self) -> None:
        self.drag(30)

    def sample(self) -> None:
        answer = self.client.post(f"{API}/run/sample", json={"data": [MODEL, 16, 7, "", {}]})
        if self._taken(answer, "sample"):
            self._same("sample", self.client.get(answer.json()["data"][0]["url"]).content)

    def bring(self) -> None:
        if "dataset" in self.known:
            return
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pictures.zip"
            file.write_bytes(zip_of(12, 8, self.draw))
            told = self.asker.bring(file, "mine")
        if self._answered(told, "import"):
            self.look()

    def train(self) -> None:
        if "run" not in self.known and self._answered(told := self.asker.start("digits", steps=200, batch_size=16), "train"):
            self.known["run"] = told["run"]

    def look(self) -> None:
        """What is one's own is as it was, and so is the picture of a point."""
        if answer := self._ask("latent_decode", self._point([0.5] * 16)):
            self._same("point", answer["image"].encode())
        if self.seen.done["import"] and (gallery := self._ask("gallery", {"dataset": "mine"})):
            self._same("dataset", gallery["source"].encode())
        if "run" in self.known and (told := self._ask("watch", {})):
            states = {run["name"]: run["state"] for run in told["runs"]}
            if states.get(self.known["run"], "lost") in ("lost", "failed"):
                self.seen.wrong.append(f"the run is {states.get(self.known['run'], 'lost')}")

    def _point(self, values: list[float]) -> dict[str, Any]:
        return {"model": MODEL, "version": self.version, "base": "zero", "values": values}

    def _ask(self, name: str, data: object) -> dict[str, Any] | None:
        answer = self.asker.ask(name, data)
        return answer if self._answered(answer, name) else None

    def _answered(self, answer: dict[str, Any], name: str) -> bool:
        self.seen.done[name] += "error" not in answer
        if "error" in answer:
            self._refused(name, answer["error"])
        return "error" not in answer

    def _taken(self, answer: httpx.Response, name: str) -> bool:
        self.seen.done[name] += answer.is_success
        if not answer.is_success:
            self._refused(name, answer.text)
        return answer.is_success

    def _refused(self, name: str, sentence: str) -> None:
        self.seen.refused[f"{name}: {sentence}"[:200]] += 1
        if "Something went wrong" in sentence or "There is no" in sentence:
            self.seen.wrong.append(f"{name}: {sentence}")

    def _same(self, what: str, content: bytes) -> None:
        digest = sha256(content).hexdigest()
        if self.known.setdefault(what, digest) != digest:
            self.seen.wrong.append(f"another {what} than before")

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except httpx.HTTPStatusError as refused:
            if refused.response.status_code in BUSY:
                self.seen.refused[f"{act.__name__}: {refused.response.text}"[:200]] += 1
            else:
                self.seen.wrong.append(f"{act.__name__}: {refused}")
        except (httpx.HTTPError, ValueError) as fault:
            self.seen.wrong.append(f"{act.__name__}: {type(fault).__name__} {fault}")


def zip_of(n: int, side: int, draw: random.Random) -> bytes:
    """Pictures of one grey each, in two folders."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(n):
            picture = io.BytesIO()
            Image.new("L", (side, side), draw.randrange(256)).save(picture, "png")
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", picture.getvalue())
    return packed.getvalue()


# --- The attackers ---


class Attacker:
    """Somebody who does at random what once stopped the page, under a few names."""

    def __init__(self, address: str, seed: int, zipped: Path) -> None:
        self.address, self.draw, self.zipped, self.seen = address, random.Random(seed), zipped, Seen()
        self.names = [self.newcomer() for _ in range(2)]
        self.attacks = [getattr(self, name) for name in vars(Attacker) if name.startswith("attack_")]

    def newcomer(self) -> Asker:
        client = httpx.Client(base_url=self.address, timeout=20)
        client.get("/")
        return Asker(client, f"attack-{self.draw.random()}")

    def live(self, until: float) -> None:
        for _ in range(MOST_ATTACKS):
            if time.monotonic() > until:
                break
            attack = self.draw.choice(self.attacks)
            with suppress(httpx.HTTPError, ValueError, KeyError, TypeError, AssertionError):  # refused, or left
                attack(self.draw.choice(self.names))
            self.seen.done[attack.__name__] += 1
            time.sleep(self.draw.uniform(0, REST))

    def post(self, who: Asker, path: str, patience: float = 20, **body: Any) -> httpx.Response:
        answer = who.client.post(API + path, timeout=patience, **body)
        if answer.status_code >= 500 and answer.status_code not in BUSY:
            self.seen.wrong.append(f"{path} -> {answer.status_code} {answer.text[:150]}")
        return answer

    def attack_drawing(self, who: Asker) -> None:
        """Ask for much, and go after a second."""
        wish = self.draw.choice(
            [
                ["diffusion-catsdogs", 64, 0, "", {"steps": 1000, "sampler": "heun", "guidance": 2}],
                ["diffusion-catsdogs", 1, 0, "", {"steps": 1000, "sampler": "ddpm"}],
                ["diffusion-mnist", 64, 0, "", {"steps": 40}],
            ]
        )
        self.post(who, "/run/sample", patience=1, json={"data": wish})

    def attack_recipes(self, who: Asker) -> None:
        """Add a dataset to itself, and the result to itself."""
        name = self.draw.choice(["mnist", "digits"])
        for i in range(5):
            name = who.ask("quality_merge", {"dataset": name, "other": name, "name": f"m{i}-{self.draw.randrange(9)}"})["name"]

    def attack_trainings(self, _: Asker) -> None:
        """Start and pause under many names, then let all go on."""
        started = [(who, who.start("digits", steps=100_000, batch_size=8)["run"]) for who in self.names]
        for wanted in ("pause", "run"):
            for who, run in started:
                who.ask("ask", {"run": run, "wanted": wanted})

    def attack_uploads(self, who: Asker) -> None:
        """Send large files, with a name and without, and never use them."""
        content = self.draw.randbytes(2**10) * (19 * 2**10)
        for client in (httpx.Client(base_url=self.address, timeout=20), who.client):
            for _ in range(3):
                client.post(f"{API}/upload", files={"files": ("x.bin", content)})

    def attack_imports(self, who: Asker) -> None:
        """Import many large pictures that pack well."""
        who.bring(self.zipped, f"black-{self.draw.randrange(9)}", size=256)

    def attack_queue(self, who: Asker) -> None:
        """Join and never read."""
        call = {"data": [], "event_data": {"dataset": "mnist", "turn": 1}, "fn_index": who.events["_inspect"]["id"]}
        for _ in range(33):
            self.post(who, "/queue/join", json=call | {"session_hash": who.session})

    def attack_streams(self, who: Asker) -> None:
        """Read what never comes."""
        who.client.get(f"{API}/queue/data", params={"session_hash": f"none-{self.draw.random()}"}, timeout=2)

    def attack_functions(self, who: Asker) -> None:
        """Send what no function expects."""
        for _ in range(10):
            value, name = self.draw.choice(VALUES), self.draw.choice(list(who.functions))
            call = f'"component_id": {who.functions[name]}, "fn_name": "{name}", "session_hash": "{who.session}"'
            self.post(who, "/component_server/", content=f'{{"data": {value}, {call}}}', headers=JSON)
            event = self.draw.choice(list(who.events.values()))
            values = ",".join([value] * len(event["inputs"]))
            self.post(who, "/run/x", content=f'{{"data": [{values}], "fn_index": {event["id"]}}}', headers=JSON)

    def attack_depth(self, who: Asker) -> None:
        """Send what is nested beyond all measure, numbers without measure, and names of other hosts."""
        self.post(who, "/run/decode", content=f'{{"data": {"[" * 50_000}{"]" * 50_000}}}', headers=JSON)
        self.post(who, "/run/decode", json={"data": [MODEL, [1e300] * 16, ""]})
        self.post(who, "/run/inspect", json={"data": ["mnist", 64, 2**40]}, headers={"Host": "testserver"})

    def attack_names(self, _: Asker) -> None:
        """Be somebody new, again and again, and keep something under each name."""
        self.names.pop(0)
        self.names.append(self.newcomer())
        self.names[-1].ask("drawing_save", {"name": "mine", "points": [[i / 9, 0.0] for i in range(72)], "colours": [0] * 72})


JSON = {"Content-Type": "application/json"}


# --- The siege ---


@contextmanager
def besieged(folder: Path) -> Iterator[Address]:
    """A public page, all of whose files lie in a folder."""
    (folder / "uploads").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "uploads"))
        with serving(folder / "runs", folder / "server.log", "--public", "--no-auth") as address:
            yield address


def together(live: list[Callable[[float], None]], seconds: float) -> None:
    """Let all live at the same time."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=one, args=(until,)) for one in live]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def attack(address: str, seconds: float, n: int, seed: int, folder: Path, told: Any) -> None:
    """What the process of the attackers does."""
    zipped = folder / "black.zip"
    zipped.write_bytes(zip_of(2000, 256, random.Random(seed)))
    attackers, seen = [Attacker(address, 1000 * seed + i, zipped) for i in range(n)], Seen()
    together([one.live for one in attackers], seconds)
    for one in attackers:
        seen.add(one.seen)
    told.send(seen)


def besiege(
    address: Address, folder: Path, seconds: float, attackers: int, honest: int, seed: int = 0, settle: float = 0
) -> dict[str, Any]:
    """What came of a siege of the page at an address, all of whose files lie in a folder.

    `settle` is how many seconds after it the memory is looked at.
    """
    visitors = [Honest(address, 100 * seed + i) for i in range(honest)]
    for visitor in visitors:
        visitor.sample()
        visitor.bring()
    for name in shipped_models():
        visitors[0].asker.ask("latent_open", name)  # models stay in memory
    visitors[0].drag(10)
    visitors[0].seen.times.clear()
    visitors[0].drag(100)
    idle, before = visitors[0].seen.times, memory(address.pid)
    for visitor in visitors:
        visitor.seen.times = []
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=attack, args=(str(address), seconds, attackers, seed, folder, there))
    process.start()
    together([visitor.live for visitor in visitors], seconds)
    while process.is_alive() and not here.poll(1):
        pass
    attacked, seen = here.recv(), Seen()
    process.join()
    time.sleep(settle)
    for visitor in visitors:
        visitor._try(visitor.look)
        seen.add(visitor.seen)
    spaces = [size_of(space).bytes for space in folder.glob("*-visitors/*")]
    return {
        "idle, ms": 1000 * statistics.median(idle),
        "besieged, ms": 1000 * statistics.median(seen.times),
        "p95, ms": 1000 * sorted(seen.times)[int(0.95 * (len(seen.times) - 1))],
        "times as long": statistics.median(seen.times) / statistics.median(idle),
        "memory before, MB": before,
        "memory after, MB": memory(address.pid),
        "wrong": seen.wrong + attacked.wrong,
        "refused": dict(seen.refused),
        "done": dict(seen.done),
        "attacks": dict(attacked.done),
        "largest space, MB": max(spaces, default=0) / 2**20,
        "all spaces, MB": sum(spaces) / 2**20,
        "uploads, MB": size_of(folder / "uploads").bytes / 2**20,
    }


def memory(pid: int) -> float:
    """MB that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def crowd(address: Address, n: int, moves: int = 100) -> tuple[float, float]:
    """Median milliseconds from a slider to its picture for one visitor, and for n who drag at once."""
    visitors = [Honest(address, i) for i in range(n)]
    visitors[0].drag(10)
    visitors[0].seen.times.clear()
    visitors[0].drag(moves)
    alone = statistics.median(visitors[0].seen.times)
    together([lambda _, one=one: one.drag(moves) for one in visitors[1:]] + [lambda _: visitors[0].drag(moves)], 0)
    assert not any(one.seen.refused or one.seen.wrong for one in visitors), "somebody was refused"
    return 1000 * alone, 1000 * statistics.median(time for one in visitors for time in one.seen.times[-moves:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--attackers", type=int, default=20)
    parser.add_argument("--honest", type=int, default=5)
    parser.add_argument("--crowd", type=int, default=50, help="visitors who drag at once, before the siege (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:  # a run may still be saving
        folder = Path(name)
        with besieged(folder) as address:
            if asked.crowd:
                alone, many = crowd(address, asked.crowd)
                print(f"one visitor {alone:.1f} ms, {asked.crowd} at once {many:.1f} ms: {many / alone:.1f} times", flush=True)
            if asked.attackers:
                found = besiege(address, folder, asked.seconds, asked.attackers, asked.honest, asked.seed, settle=2 * SWEEP + 10)
                print(json.dumps(found, indent=2))
        log = (folder / "server.log").read_text()
        print(f"{log.count('Traceback')} tracebacks; quotas: {PUBLIC.visitor_disk}, {PUBLIC.disk}, {PUBLIC.all_uploads} bytes")
        if "Traceback" in log:
            print(log[max(0, log.index("Traceback") - 500) :][:5000])


if __name__ == "__main__":
    main()
