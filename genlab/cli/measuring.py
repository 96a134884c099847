"""The verb that measures models: evaluate."""

import shlex
from argparse import Namespace
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

import genlab  # what is slow to load is named through it, and loaded where it is used
from genlab.cli.data import open_data
from genlab.cli.models import DEVICES
from genlab.cli.words import number, parse, parser_of
from genlab.config import names_in
from genlab.data.recipe import PLUS
from genlab.errors import BadSetting
from genlab.files import write_bytes
from genlab.messages import Message
from genlab.training.checkpoint import list_models, load_model

KINDS = (".json", ".csv", ".png")
SECTION = "Measured"  # of a card
MOST_MODELS = 4  # that are compared at once
DOING = {
    "learn": Message("looking at the data"),
    "draw": Message("drawing"),
    "ask": Message("asking the model"),
    "measure": Message("measuring"),
    "time": Message("timing"),
}


def evaluate_verb(words: list[str]) -> None:
    """evaluate MODEL [MODEL …] --data NAME --n N --draws K: measure models against real items, and how sure that is."""
    parser = parser_of("evaluate", evaluate_verb)
    parser.add_argument("models", nargs="*", help="names of shipped models or runs, or folders; up to four")
    parser.add_argument("--break", action="store_true", dest="shake", help="instead, make real items wrong and see what notices")
    parser.add_argument("--data", help="clean data to hold them against (default: what the first one learnt, without its damage)")
    parser.add_argument("--metrics", default="", help="some of them, with commas between (default: all that are quick)")
    parser.add_argument("--n", type=number, default=1000, help="samples of a draw (default 1000)")
    parser.add_argument("--draws", type=number, default=3, help="draws, from seeds of their own (default 3)")
    parser.add_argument("--seed", type=number, default=0, help="draw i starts from seed + i·n (default 0)")
    parser.add_argument("--k", type=number, default=100, help="latents an item, of which a likelihood is told (default 100)")
    parser.add_argument("--out", type=Path, help="write what was measured, too: FILE.json, FILE.csv or FILE.png")
    parser.add_argument("--card", action="store_true", help="write what was measured into the card of each model, too")
    parser.add_argument("--kept", action="store_true", help="take what was measured so before, where it is kept")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    given, _ = parse(parser, words)
    if given.out and given.out.suffix not in KINDS:
        raise BadSetting("{name} is neither a .json, a .csv nor a .png file; name one of these.", name=given.out.name)
    if len(given.models) > MOST_MODELS:
        raise BadSetting("{n} models are too many to compare at once; name up to {most}.", n=len(given.models), most=MOST_MODELS)
    if bool(given.models) == given.shake:
        raise BadSetting("Name one to four models to measure, or none with --break --data NAME, which breaks the metrics.")
    if given.shake and given.out:
        raise BadSetting("--break prints its table and writes no file; leave --out away.", "out")
    if given.shake and not given.data:
        raise BadSetting("--break needs --data NAME: the data whose real items are made wrong.")
    metrics = names_in(given.metrics)
    for name in metrics:
        genlab.metrics.METRICS[name]  # which names the possible ones
    if given.shake:
        return _shake(given, metrics)
    if given.card and (others := [name for name in given.models if name not in list_models()]):
        raise BadSetting("--card writes into models that ship and runs; {name!r} is neither.", name=others[0])
    trained = {name: load_model(name) for name in dict.fromkeys(given.models)}
    data = open_data(given.data or trained[given.models[0]].dataset.split(PLUS)[0])
    device = genlab.training.train.accelerator_for(given.device, "fp32").device
    for one in trained.values():
        one.model.to(device)
    kept = dict.fromkeys(trained, genlab.metrics.kept.kept_folder())
    wish = (given.n, given.draws, given.seed, given.k)
    steps = genlab.metrics.compare(trained, data, metrics, *wish, kept=kept, anew=not given.kept)
    with closing(steps), tqdm(leave=False) as bar:
        for step in steps:
            bar.total, bar.n = step.total, step.done
            bar.set_description(f"{step.model}: {DOING[step.doing]}")
    found = step.found
    _tell(found)
    if given.out:
        text = {".json": found.json, ".csv": found.csv}.get(given.out.suffix)
        write_bytes(given.out, text().encode() if text else found.picture())
        print(Message("What was measured is in {out}.", out=given.out))
    if given.card:
        for name, one in trained.items():
            card = genlab.training.card.with_section(one.card, SECTION, found.card(name, _command(name, given)))
            write_bytes(one.folder / "card.md", card.encode())
            print(Message("It is told in the card of {name}.", name=name))


def _command(model: str, given: Namespace) -> str:
    """What measures one model so."""
    asked = {"data": given.data, "metrics": given.metrics, "n": given.n, "draws": given.draws, "seed": given.seed, "k": given.k}
    flags = [f"--{name}={value}" for name, value in asked.items() if value not in (None, "")]
    return shlex.join(["python", "-m", "genlab", "evaluate", model, *flags])


def _shake(given: Namespace, metrics: list[str]) -> None:
    eye = genlab.metrics.Eye(open_data(given.data))
    steps = genlab.metrics.shaken(eye, metrics)
    with closing(steps), tqdm(leave=False) as bar:
        for found in steps:
            bar.total, bar.n = found.total, found.done
            bar.refresh()
    _table([[str(cell) for cell in line] for line in found.lines()])
    print(Message("✓ marks what got surely worse; real items, {n:,} in each of {draws} parts.", n=found.n, draws=found.draws))


def _table(lines: list[list[str]]) -> None:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for name, *cells in lines:
        print("  ".join([name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))]))


def _tell(found: "genlab.metrics.Comparison") -> None:
    _table([*found.lines()])
    print(Message("Seen by {judge}; ± is the 95 % interval of the draws: another training may differ more.", judge=found.judge))
    for lines in ([*found.differences()], [*found.aspects()]):
        if len(lines) > 1:
            print()
            _table(lines)
    if chosen := genlab.metrics.choice(found.summary()):
        print(chosen)
    if found.costs:
        where = [*dict.fromkeys(str(cost.hardware) for cost in found.costs.values())]
        print(Message("Speeds and memory are those of {where}, beside whatever else ran.", where=where))
    told = {str(score.warning): None for own in found.scores.values() for score in own.values() if score.warning}
    told |= {str(why): None for own in found.impossible.values() for why in own.values()}
    for sentence in told:
        print(sentence)
