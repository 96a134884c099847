"""The verbs about models: train, resume, sample, push, axes, track, history, delete, list."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

import genlab  # what is slow to load is named through it, and loaded where it is used
from genlab.cli.data import open_data
from genlab.cli.words import Parser, first, number, parse, parser_of, wants_help
from genlab.config import Config
from genlab.data.library import megabytes
from genlab.errors import BadSetting, GenlabError, RunFault
from genlab.files import write_bytes
from genlab.messages import Message, joined, listed
from genlab.models import MODELS
from genlab.models.settings import SEEDS, CommonSettings, check_seeds
from genlab.paths import shipped_models
from genlab.training.checkpoint import AXES, find_model, list_models, load_model, read_config, sampling_of, spec_of
from genlab.training.run import Run, State, StillTraining, delete_runs, list_runs

if TYPE_CHECKING:
    from genlab.models.many import Block

DEVICES = ("auto", "cpu", "cuda")
STATES: dict[State, Message] = {
    "queued": Message("queued"),
    "waiting": Message("waiting"),
    "running": Message("running"),
    "paused": Message("paused"),
    "stopped": Message("stopped"),
    "done": Message("done"),
    "failed": Message("failed"),
    "interrupted": Message("interrupted"),
}
MENTIONED = 10**9  # bytes of samples beyond which their size is told before they are drawn


def train_verb(words: list[str]) -> None:
    """train FAMILY DATASET: start a run and train it to its end."""
    if wants_help(words):
        return _train_parser(CommonSettings).print_help()
    family = first(words, "model family", list(MODELS))
    settings_type = MODELS.settings_of(family)
    given, values = parse(_train_parser(settings_type), words, settings_type)
    settings = settings_type.parse(values)
    open_data(given.dataset)  # all that can be wrong is found before anything is written
    if given.estimate:
        before = genlab.training.start.starting_settings(load_model(given.start), given.dataset) if given.start else {}
        found = genlab.training.estimate.estimate(family, given.dataset, {**before, **values}, given.device, given.threads)
        return print(found)
    accelerator = genlab.training.train.accelerator_for(given.device, settings.precision)
    how = {"name": given.name, "threads": given.threads, "processes": accelerator.num_processes}

    def create() -> Path:
        if given.start is None:
            return Run.create(family, given.dataset, settings, **how).path
        return genlab.training.start.create_from(family, given.start, given.dataset, values, **how).path

    _train(Run(genlab.training.train.by_first(accelerator, create)), given.device)


def _train_parser(settings: type[CommonSettings]) -> Parser:
    parser = parser_of("train", train_verb, settings)
    parser.epilog = str(Message("Each family has settings of its own; python -m genlab train FAMILY --help tells all of them."))
    parser.add_argument("family", help=", ".join(MODELS))
    parser.add_argument("dataset", help="its name, or SOURCE+RECIPE")
    parser.add_argument("--name", help="name of the run (default: FAMILY-1, FAMILY-2, …)")
    parser.add_argument("--from", dest="start", metavar="MODEL", help="go on from a trained model of the family (fine-tuning)")
    parser.add_argument("--threads", type=number, help="CPU threads (default: all cores but one)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--estimate", action="store_true", help="say how long it will take and how much memory, and end")
    return parser


def resume_verb(words: list[str]) -> None:
    """resume RUN: continue a run from its last checkpoint, with --steps to more steps than it had."""
    parser = parser_of("resume", resume_verb)
    parser.add_argument("run", help="name or folder of a run")
    parser.add_argument("--steps", type=number, help="steps in all, more than the run was asked for, also where it is finished")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    given, _ = parse(parser, words)
    run = Run.open(given.run)
    if given.steps is not None:
        accelerator = genlab.training.train.accelerator_for(given.device, run.settings.precision)
        genlab.training.train.by_first(accelerator, lambda: _extended(run, given.steps))
    if run.status().state == "done":
        print(
            Message(
                "{name} is finished: all {steps:,} steps are done. With --steps it gets more.",
                name=run.name,
                steps=run.settings.steps,
            )
        )
        return
    run.ask("run")
    _train(run, given.device)


def _extended(run: Run, steps: int) -> Path:
    print(f"{run.name}: {genlab.training.extend.extend(run, steps)}.")
    return run.path


def sample_verb(words: list[str]) -> None:
    """sample MODEL --n N --seed S --out FILE.png, .npz or .txt: draw from a model; without a file, texts are told here."""
    if wants_help(words):
        return _sample_parser(Config).print_help()
    name = first(words, "model", list_models())
    sampling = sampling_of(read_config(find_model(name)))
    given, values = parse(_sample_parser(sampling), words, sampling)
    for wish, value, low in [("n", given.n, 1), ("seed", given.seed, 0)]:
        if not isinstance(value, int) or not low <= value < SEEDS:
            raise BadSetting("{wish} is {value!r}; it must be a whole number from {low} up.", wish=wish, value=value, low=low)
    check_seeds(given.seed, given.n)
    settings, many = sampling.parse(values), genlab.models.many
    spec = spec_of(read_config(find_model(name)))
    kinds = (".txt", ".png") if spec.kind.reads else (".png", ".npz")
    if not given.out and not spec.kind.reads:
        raise BadSetting("Name the file that the samples are to be in: --out FILE.png, or FILE.npz.")
    if given.out and given.out.suffix not in kinds:
        told = {"name": given.out.name, "first": kinds[0], "second": kinds[1]}
        raise BadSetting("{name} is neither a {first} nor a {second} file; name one of these.", **told)
    suffix = given.out.suffix if given.out else ""
    if suffix == ".png":
        many.check_picture(given.n, spec)
    elif suffix == ".npz" and (size := many.bytes_of(given.n, spec)) > MENTIONED:
        print(
            Message(
                "{n:,} samples take up to {size} in {name}; Ctrl-C ends it and leaves nothing.",
                n=given.n,
                size=megabytes(size),
                name=given.out.name,
            )
        )
    trained = load_model(name)
    label = trained.model.label_of(given.label)
    model = trained.model.to(genlab.training.train.accelerator_for(given.device, "fp32").device)
    blocks = _watched(many.in_blocks(model, given.n, settings, given.seed, label), given.n)
    told = {"model": trained.name, "n": given.n, "seed": given.seed, "label": given.label, **settings.model_dump()}
    if suffix in ("", ".txt"):
        told_all = "\n".join(many.texts_of(spec.kind, blocks, given.seed))
        if not suffix:
            return print(told_all)
        write_bytes(given.out, told_all.encode())
    elif suffix == ".npz":
        many.write_npz(given.out, model, given.n, label, blocks)
    else:
        picture = spec.kind.sheet(many.items_of(blocks), min(16, given.n))
        write_bytes(given.out, genlab.images.png(picture, {"genlab": json.dumps(told)}))
    print(Message("{n} samples of {name} are in {out}.", n=given.n, name=trained.name, out=given.out))


def _sample_parser(sampling: type[Config]) -> Parser:
    parser = parser_of("sample", sample_verb, sampling)
    parser.epilog = str(Message("Each model has settings of its own; python -m genlab sample MODEL --help tells all of them."))
    parser.add_argument("model", help="name of a shipped checkpoint or a run, or a folder")
    parser.add_argument("--n", type=number, default=64, help="how many (default 64)")
    parser.add_argument("--seed", type=number, default=0, help="item i comes from seed + i (default 0)")
    parser.add_argument("--label", help="class to draw (default: every class in turn)")
    parser.add_argument(
        "--out",
        type=Path,
        help="FILE.png, one picture of all, or FILE.npz, the pixels or points; texts go to FILE.txt, or are told",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    return parser


def read_verb(words: list[str]) -> None:
    """read MODEL TEXT: how surprising each token of a text is to a model, and what it would rather have had there."""
    parser = parser_of("read", read_verb)
    parser.add_argument("model", help="name of a shipped checkpoint or a run, or a folder")
    parser.add_argument("text", help="the text, or the name of a .txt file")
    parser.add_argument("--label", help="class that it is to be of")
    given, _ = parse(parser, words)
    model = load_model(given.model).model
    if not isinstance(model, genlab.models.SequenceModel) or not model.writes:
        raise BadSetting("{name} writes no texts; choose a model that does.", name=given.model)
    if given.text.endswith(".txt"):
        try:
            text = model.spec.kind.told(model.spec.kind.read(Path(given.text).read_bytes()))
        except OSError as fault:
            raise BadSetting("{name} cannot be read: {fault}.", name=given.text, fault=fault.strerror) from fault
    else:
        text = given.text
    label = model.label_of(given.label)
    places = model.read(text, 4, None if label is None else model.given_labels(label, 1))
    for place in places:
        rather = "  ".join(f"{repr(token) if token else Message('(end)')} {share:.0%}" for token, share in place.likeliest)
        print(f"{repr(place.text) if place.text else '':>12} {'' if place.nats is None else f'{place.nats:7.2f}':>7}   {rather}")
    if text:
        told = genlab.models.sequence.Surprise.of(places)
        print(Message("{nats:.3f} nats a token, {bits:.3f} bits a byte, perplexity {perplexity:.2f}", **vars(told)))


def forecast_verb(words: list[str]) -> None:
    """forecast MODEL --row N --known T --length H --out FAN.png, .csv or .json: how a series may go on."""
    parser = parser_of("forecast", forecast_verb)
    parser.add_argument("model", help="name of a shipped checkpoint or a run, or a folder")
    parser.add_argument("--row", type=number, default=0, help="which series of the test part (default 0)")
    parser.add_argument("--file", type=Path, help="a series of your own instead: a CSV file with a line for every time")
    parser.add_argument("--known", type=number, help="values that are known (default: half; of your own all)")
    parser.add_argument("--length", type=number, default=48, help="values that are foretold (default 48)")
    parser.add_argument("--temperature", type=float, default=1.0, help="below 1 steadier, above 1 wilder (default 1)")
    parser.add_argument("--seed", type=number, default=0, help="path i comes from seed + i (default 0)")
    parser.add_argument("--out", type=Path, required=True, help="FILE.png, FILE.csv, a path a line, or FILE.json")
    given, _ = parse(parser, words)
    if given.out.suffix not in (".png", ".csv", ".json"):
        raise BadSetting("{name} is none of a .png, a .csv and a .json file; name one of these.", name=given.out.name)
    trained = load_model(given.model)
    if not isinstance(trained.model, genlab.models.SeriesModel):
        raise BadSetting("{name} does not go on with series; choose a model that does.", name=given.model)
    if given.file:
        try:
            series = trained.model.spec.kind.read(given.file.read_bytes())
        except OSError as fault:
            raise BadSetting("{name} cannot be read: {fault}.", name=given.file.name, fault=fault.strerror) from fault
    else:
        test = genlab.load(trained.dataset).test
        if not 0 <= given.row < len(test):
            raise BadSetting("row is {row}; the test part has rows 0 to {last:,}.", "row", row=given.row, last=len(test) - 1)
        series = test.read([given.row])[0]
    known = given.known if given.known is not None else len(series) if given.file else max(1, len(series) // 2)
    fan = genlab.metrics.fan.fan_of(trained.model, series, known, given.length, given.seed, given.temperature)
    write_bytes(given.out, {".png": fan.picture, ".csv": fan.csv, ".json": fan.json}[given.out.suffix]())
    held = fan.held()
    if held[0.9] == held[0.9]:
        shares = {"half": held[0.5], "most": held[0.9], "crps": fan.score()}
        print(Message("The 50 % band holds {half:.0%} of what came, the 90 % band {most:.0%}; CRPS {crps:.4f}.", **shares))
    print(Message("{n} paths of {name} are in {out}.", n=len(fan.paths), name=trained.name, out=given.out))


def push_verb(words: list[str]) -> None:
    """push MODEL USER/NAME: publish a model on the Hub, where others find it as hf://USER/NAME."""
    parser = parser_of("push", push_verb)
    parser.add_argument("model", help="name of a shipped checkpoint or a run, or a folder")
    parser.add_argument("repository", metavar="USER/NAME", help="where on the Hub")
    parser.add_argument("--private", action="store_true", help="for your own eyes only, where the repository is new")
    given, _ = parse(parser, words)
    folder = load_model(given.model).folder  # what is damaged is not published
    print(
        Message(
            "{model} is at {address}; others load it as hf://{repository}.",
            model=given.model,
            address=genlab.hub.push(folder, given.repository, given.private),
            repository=given.repository,
        )
    )


def axes_verb(words: list[str]) -> None:
    """axes MODEL: find the axes of a model's latent space and keep them with it, so that its sliders are there at once."""
    parser = parser_of("axes", axes_verb)
    parser.add_argument("model", help="name of a shipped checkpoint or a run, or a folder")
    given, _ = parse(parser, words)
    trained = load_model(given.model)
    if not isinstance(trained.model, genlab.models.LatentModel):
        raise BadSetting("The family {family} has no latent space, so there are no axes to find.", family=trained.family)
    axes = genlab.latent.axes_of(trained.model)
    genlab.latent.write_axes(axes, trained.folder / AXES, trained.weights)
    print(Message("{n} axes of {model} are kept with it.", n=len(axes), model=given.model))


def track_verb(words: list[str]) -> None:
    """track RUN --to tensorboard|trackio|wandb: tell an experiment tracker what is new in a run's record."""
    parser = parser_of("track", track_verb)
    parser.add_argument("run", help="name or folder of a run")
    parser.add_argument("--to", required=True, metavar="TRACKER", help="tensorboard, trackio or wandb; it has to be installed")
    parser.add_argument("--out", type=Path, default=Path("tracked"), help="folder that TensorBoard writes to (default: tracked)")
    given, _ = parse(parser, words)
    run = Run.open(given.run)
    print(
        Message(
            "{n} new records of {name} told to {to}.",
            n=genlab.training.trackers.track(run, given.to, given.out),
            name=run.name,
            to=given.to,
        )
    )


def delete_verb(words: list[str]) -> None:
    """delete RUN … [--stop]: remove runs and all that came of them."""
    parser = parser_of("delete", delete_verb)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="name or folder of a run")
    parser.add_argument("--stop", action="store_true", help="stop first what still trains")
    given, _ = parse(parser, words)
    refusals = delete_runs(given.runs, given.stop)
    if deleted := len(set(given.runs)) - len(refusals):
        print(Message("{n} run deleted.", "{n} runs deleted.", n=deleted))
    if refusals:
        told = [refusal.message for refusal in refusals]
        if any(refusal.kind == StillTraining.kind for refusal in refusals):
            told.append(Message("Add --stop to stop first what still trains."))
        raise RunFault(joined(told, "\n"))


def history_verb(words: list[str]) -> None:
    """history RUN --out FILE.csv: the record of a run as a table, a line a step."""
    parser = parser_of("history", history_verb)
    parser.add_argument("run", help="name or folder of a run")
    parser.add_argument("--out", type=Path, required=True, help="FILE.csv")
    given, _ = parse(parser, words)
    run = Run.open(given.run)
    write_bytes(given.out, genlab.training.history.as_csv(run).encode())
    print(Message("{n} records of {name} are in {out}.", n=len(run.history()), name=run.name, out=given.out))


def list_verb(words: list[str]) -> None:
    """list: all models, runs and datasets of your own."""
    parse(parser_of("list", list_verb), words)
    running = {run.address: run.status() for run in list_runs()}
    for name in shipped_models():
        print(f"{name:<24}{Message('shipped')}")
    for name, status in running.items():
        far = Message("{step:,} of {n:,} steps", step=status.step, n=status.steps)
        print(f"{name:<24}{STATES[status.state]:<12}{far}  {status.message}".rstrip())
    for dataset in map(genlab.data.describe, genlab.data.list_datasets()):
        if dataset.own:
            print(f"{dataset.name:<24}{Message('dataset'):<12}{dataset.description}")


def _train(run: Run, device: str) -> None:
    """Train in this process with a progress bar; Ctrl-C lets the step end, saves and stops."""
    status, quiet = run.status(), not genlab.training.train.accelerator_for(device, run.settings.precision).is_main_process
    if not quiet:
        print(f"{run.name}: {run.command}")
    steps = genlab.train(run, open_data(run.record["dataset"]), device)
    with (
        _stopping(run, quiet) as interrupted,
        closing(steps),
        tqdm(total=status.steps, unit=str(Message("step")), disable=quiet) as bar,
    ):
        raised: set[str] = set()
        for progress in steps:
            bar.update(progress.step - bar.n)
            if progress.recorded:
                bar.set_postfix_str(_told(progress))
            if (progress.found or progress.held_out is not None) and not quiet:
                raised = _raise_alarms(run, raised)
            if interrupted and run.wanted() != "stop":
                break
    if interrupted and run.status().state != "done":
        if not quiet:
            print(
                Message(
                    "Stopped at step {step:,}. Continue with: python -m genlab resume {name}",
                    step=run.status().step,
                    name=run.name,
                ),
                file=sys.stderr,
            )
        raise KeyboardInterrupt
    if quiet or not (saved := run.checkpoints()):  # stopped and deleted from elsewhere
        return
    if run.measured:
        print(genlab.training.card.samples_told(run))
    print(
        Message(
            "Saved in {name}/checkpoints/{saved_name}. Try: python -m genlab sample {address} --out samples.png",
            name=run.name,
            saved_name=saved[-1].name,
            address=run.address,
        )
    )


def _raise_alarms(run: Run, before: set[str]) -> set[str]:
    """Tell what goes wrong that did not before; the kinds of all that does."""
    found = {alarm.kind: alarm.sentence for alarm in genlab.training.alarms.alarms(run.history(), run.measured)}
    for kind in found.keys() - before:
        tqdm.write(f"{found[kind]}")
    return {*found}


@contextmanager
def _stopping(run: Run, quiet: bool) -> Iterator[list[int]]:
    """Let Ctrl-C ask the run to stop, as the page does, instead of tearing a step apart; what it yields is then not empty."""
    pressed: list[int] = []

    def stop(number: int, frame: object) -> None:
        pressed.append(number)
        with suppress(OSError):  # not print, which may be what is interrupted
            os.write(2, b"" if quiet else b"\nIt stops after this step and saves.\n")
        with suppress(GenlabError):  # of a disk that is full; the loop looks, too
            run.ask("stop")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _told(progress: "genlab.Progress") -> str:
    losses = [Message("{player} {loss:.4g}", player=player, loss=value) for player, value in progress.losses.items()]
    return str(listed([*losses, Message("{speed:,.0f} items/s", speed=progress.items_per_second)]))


def _watched(blocks: "Iterator[Block]", n: int) -> "Iterator[Block]":
    """Follow the samples with a progress bar."""
    with tqdm(total=n, unit=str(Message("sample")), leave=False) as bar:
        for block in blocks:
            bar.update(block.done - bar.n)
            yield block
