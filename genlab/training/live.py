"""Live: views of a run on points, written while somebody watches and no more often than training can bear."""

import json
import time
from collections.abc import Mapping
from typing import Any

from genlab.files import write_bytes
from genlab.models import GenerativeModel, LatentModel
from genlab.plane import Camera, View
from genlab.training.checkpoint import Trained
from genlab.training.run import Run

MOST = 20  # views a second
SHARE = 0.12  # of the time of training that views may take


class Live:
    """Shows a run's model as it stands; models of what lies in no plane are not shown."""

    def __init__(self, run: Run, model: GenerativeModel) -> None:
        self.run, self.model = run, model
        self.camera = Camera(model) if isinstance(model, LatentModel) and model.spec.kind.reach else None
        self.shown, self.due = -1, 0.0  # the last step that was shown; when the next one may be

    def show(self, step: int, losses: Mapping[str, float], at_once: bool = False) -> None:
        """Write what the model does after a step, if it is time and somebody watches, or else `at_once`."""
        if self.camera is None or step == self.shown or not (at_once or (time.monotonic() >= self.due and self.run.watched)):
            return
        began = time.process_time()  # other processes may delay a view, but it is not it that then takes the time
        view = self.camera.look(self.model)  # type: ignore[arg-type]  # the camera knows that it has latents
        write_bytes(self.run.live_file, pack(view, step, losses), sync=False)
        taken = time.process_time() - began
        self.shown, self.due = step, time.monotonic() + max(1 / MOST, taken * (1 / SHARE - 1))


def look_at(trained: Trained) -> bytes:
    """The view of a model at rest."""
    model: Any = trained.model
    return pack(Camera(model).look(model), trained.step, {})


def pack(view: View, step: int, losses: Mapping[str, float]) -> bytes:
    """A view as the page reads it."""
    return json.dumps({"step": step, "losses": dict(losses), **view.packed()}).encode()
