"""The verbs about models: train, resume, sample, push, axes, track, list."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from tqdm import tqdm

from genlab.cli.words import first, number, parse, parser_of
from genlab.data import describe, list_datasets, load, to_stored
from genlab.errors import BadSetting
from genlab.files import npz, write_bytes
from genlab.hub import push
from genlab.images import png
from genlab.latent import axes_of, write_axes
from genlab.models import MODELS, Draft, LatentModel
from genlab.models.base import SEEDS, check_seeds
from genlab.plane import together
from genlab.training.checkpoint import AXES, list_models, load_model
from genlab.training.run import Run, list_runs
from genlab.training.start import create_from
from genlab.training.trackers import track
from genlab.training.train import Progress, accelerator_for, by_first, train

DEVICES = ("auto", "cpu", "cuda")


def train_verb(words: list[str]) -> None:
    """train FAMILY DATASET: start a run and train it to its end."""
    family = first(words, "model family", list(MODELS))
    parser = parser_of("train", train_verb, MODELS[family].Settings)
    parser.add_argument("family")
    parser.add_argument("dataset")
    parser.add_argument("--name", help="name of the run (default: FAMILY-1, FAMILY-2, …)")
    parser.add_argument("--from", dest="start", metavar="MODEL", help="go on from a trained model of the family (fine-tuning)")
    parser.add_argument("--threads", type=number, help="CPU threads (default: all cores but one)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    given, values = parse(parser, words, MODELS[family].Settings)
    settings = MODELS[family].Settings.parse(values)
    accelerator = accelerator_for(given.device, settings.precision)
    load(given.dataset)  # all that can be wrong is found before anything is written
    how = {"name": given.name, "threads": given.threads, "processes": accelerator.num_processes}

    def create() -> Path:
        if given.start is None:
            return Run.create(family, given.dataset, settings, **how).path
        return create_from(family, given.start, given.dataset, values, **how).path

    _train(Run(by_first(accelerator, create)), given.device)


def resume_verb(words: list[str]) -> None:
    """resume RUN: continue a run from its last checkpoint."""
    parser = parser_of("resume", resume_verb)
    parser.add_argument("run", help="name or folder of a run")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    given, _ = parse(parser, words)
    run = Run.open(given.run)
    if run.status().state == "done":
        print(f"{run.name} is finished: all {run.settings.steps:,} steps are done.")
        return
    run.ask("run")
    _train(run, given.device)


def sample_verb(words: list[str]) -> None:
    """sample MODEL --n N --seed S --out FILE.png or FILE.npz: draw from a model."""
    trained = load_model(first(words, "model", list_models()))
    parser = parser_of("sample", sample_verb, trained.model.SamplingSettings)
    parser.add_argument("model", help="name of a shipped checkpoint or a run, or a folder")
    parser.add_argument("--n", type=number, default=64, help="how many (default 64)")
    parser.add_argument("--seed", type=number, default=0, help="item i comes from seed + i (default 0)")
    parser.add_argument("--label", help="class to draw (default: every class in turn)")
    parser.add_argument("--out", type=Path, required=True, help="FILE.png, one picture of all, or FILE.npz, the pixels or points")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    given, values = parse(parser, words, trained.model.SamplingSettings)
    for name, value, low in [("n", given.n, 1), ("seed", given.seed, 0)]:
        if not isinstance(value, int) or not low <= value < SEEDS:
            raise BadSetting(f"{name} is {value!r}; it must be a whole number from {low} up.")
    check_seeds(given.seed, given.n)
    if given.out.suffix not in (".png", ".npz"):
        raise BadSetting(f"{given.out.name} is neither a .png nor a .npz file; name one of these.")
    settings = trained.model.SamplingSettings.parse(values)
    label = trained.model.label_of(given.label)
    wishes = trained.model.given_labels(label, given.n)
    device = accelerator_for(given.device, "fp32").device
    drafts = trained.model.to(device).sample(given.n, settings, given.seed, wishes)
    items, spec = _last(drafts).items, trained.model.spec
    labels = np.full(given.n, -1) if wishes.classes is None else wishes.classes.argmax(1).numpy()
    told = {"model": trained.name, "n": given.n, "seed": given.seed, "label": given.label, **settings.model_dump()}
    if given.out.suffix == ".npz":
        write_bytes(given.out, npz(samples=to_stored(items, spec).numpy(), labels=labels))
    else:
        write_bytes(given.out, png(together(items, spec, min(16, given.n)), {"genlab": json.dumps(told)}))
    print(f"{given.n} samples of {trained.name} are in {given.out}.")


def push_verb(words: list[str]) -> None:
    """push MODEL USER/NAME: publish a model on the Hub, where others find it as hf://USER/NAME."""
    parser = parser_of("push", push_verb)
    parser.add_argument("model", help="name of a shipped checkpoint or a run, or a folder")
    parser.add_argument("repository", metavar="USER/NAME", help="where on the Hub")
    parser.add_argument("--private", action="store_true", help="for your own eyes only, where the repository is new")
    given, _ = parse(parser, words)
    folder = load_model(given.model).folder  # what is damaged is not published
    print(f"{given.model} is at {push(folder, given.repository, given.private)}; others load it as hf://{given.repository}.")


def axes_verb(words: list[str]) -> None:
    """axes MODEL: find the axes of a model's latent space and keep them with it, so that its sliders are there at once."""
    parser = parser_of("axes", axes_verb)
    parser.add_argument("model", help="name of a shipped checkpoint or a run, or a folder")
    given, _ = parse(parser, words)
    trained = load_model(given.model)
    if not isinstance(trained.model, LatentModel):
        raise BadSetting(f"The family {trained.family} has no latent space, so there are no axes to find.")
    axes = axes_of(trained.model)
    write_axes(axes, trained.folder / AXES, trained.weights)
    print(f"{len(axes)} axes of {given.model} are kept with it.")


def track_verb(words: list[str]) -> None:
    """track RUN --to tensorboard|trackio|wandb: tell a run's record to an experiment tracker."""
    parser = parser_of("track", track_verb)
    parser.add_argument("run", help="name or folder of a run")
    parser.add_argument("--to", required=True, metavar="TRACKER", help="tensorboard, trackio or wandb; it has to be installed")
    parser.add_argument("--out", type=Path, default=Path("tracked"), help="folder that TensorBoard writes to (default: tracked)")
    given, _ = parse(parser, words)
    run = Run.open(given.run)
    print(f"{track(run, given.to, given.out)} records of {run.name} told to {given.to}.")


def list_verb(words: list[str]) -> None:
    """list: all models, runs and datasets of your own."""
    parse(parser_of("list", list_verb), words)
    running = {run.name: run.status() for run in list_runs()}
    for name in list_models():
        if name not in running:
            print(f"{name:<24}shipped")
    for name, status in running.items():
        print(f"{name:<24}{status.state:<12}{status.step:,} of {status.steps:,} steps  {status.message}".rstrip())
    for dataset in map(describe, list_datasets()):
        if dataset.own:
            print(f"{dataset.name:<24}{'dataset':<12}{dataset.description}")


def _train(run: Run, device: str) -> None:
    """Train in this process with a progress bar; Ctrl-C saves and stops."""
    status, quiet = run.status(), not accelerator_for(device, run.settings.precision).is_main_process
    if not quiet:
        print(f"{run.name}: {run.command}")
    steps = train(run, load(run.record["dataset"]), device)
    with closing(steps), tqdm(total=status.steps, unit="step", disable=quiet) as bar:
        try:
            for progress in steps:
                bar.update(progress.step - bar.n)
                if progress.recorded:
                    bar.set_postfix_str(_told(progress))
        except KeyboardInterrupt:
            steps.close()
            print(f"\nStopped at step {run.status().step:,}. Continue with: python -m genlab resume {run.name}", file=sys.stderr)
            raise
    if quiet:
        return
    saved = f"{run.path.name}/checkpoints/{run.checkpoints()[-1].name}"
    print(f"Saved in {saved}. Try: python -m genlab sample {run.name} --out samples.png")


def _told(progress: Progress) -> str:
    losses = [f"{player} {value:.4g}" for player, value in progress.losses.items()]
    return ", ".join([*losses, f"{progress.items_per_second:,.0f} items/s"])


def _last(drafts: Iterator[Draft]) -> Draft:
    """Follow the drafts with a progress bar where there are several."""
    with tqdm(unit="step", leave=False) as bar:
        for draft in drafts:
            bar.total = draft.total
            bar.update()
    return draft
