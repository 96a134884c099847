"""python -m genlab VERB …: the verbs of the page without a page."""

import os
import sys
from collections.abc import Callable, Sequence

from genlab.cli import data, measuring, models
from genlab.errors import BadSetting, GenlabError
from genlab.messages import Message, from_environment, speak
from genlab.registry import unknown
from genlab.training.launch import missing_processes, relaunch

VERBS: dict[str, Callable[[list[str]], None]] = {
    "train": models.train_verb,
    "resume": models.resume_verb,
    "sample": models.sample_verb,
    "read": models.read_verb,
    "forecast": models.forecast_verb,
    "evaluate": measuring.evaluate_verb,
    "push": models.push_verb,
    "axes": models.axes_verb,
    "track": models.track_verb,
    "history": models.history_verb,
    "delete": models.delete_verb,
    "list": models.list_verb,
    "import": data.import_verb,
    "fetch": data.fetch_verb,
    "inspect": data.inspect_verb,
    "damage": data.damage_verb,
    "repair": data.repair_verb,
    "merge": data.merge_verb,
    "label": data.label_verb,
    "export": data.export_verb,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; a fault that a person can mend is one sentence and exit code 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    speak(from_environment)
    try:
        if not words or words[0] in ("-h", "--help"):
            print(_overview())
            return 0
        if words[0] not in VERBS:
            raise BadSetting(unknown("verb", words[0], list(VERBS)))
        if (processes := missing_processes()) > 1:
            relaunch(processes, words)
        VERBS[words[0]](words[1:])
        sys.stdout.flush()  # here, where it is known what a closed pipe means
    except GenlabError as fault:
        print(fault, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who reads has had enough, as `head` has
        _let_go()
        return 141
    return 0


def _let_go() -> None:
    """Send what is still to be written nowhere, or Python would complain about it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())


def _overview() -> str:
    return "\n".join(
        [f"{Message('python -m genlab VERB …')}", "", *(f"  {Message(verb.__doc__ or '')}" for verb in VERBS.values())]
    )


if __name__ == "__main__":
    sys.exit(main())
