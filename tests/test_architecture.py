"""The sentences of the architecture that a machine can check."""

import ast
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

from genlab.modalities import MODALITIES

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "genlab").rglob("*.py"))
SCRIPTS = sorted((ROOT / "genlab" / "ui").rglob("*.js"))
PAGE = [file for file in FILES if "ui" in file.parts]
GATES = ["bounds", "fairness", "guard", "places", "preset", "scripts", "sessions", "spaces", "sweeper", "uploads"]
LAYERS = [
    {"genlab.errors", "genlab.lazy", "genlab.messages", "genlab.patience"},
    {
        "genlab.registry",
        "genlab.config",
        "genlab.files",
        "genlab.paths",
        "genlab.images",
        "genlab.curves",
        "genlab.lettering",
        "genlab.quoting",
        "genlab.hub",
        "genlab.hardware",
        "genlab.algebra",
        "genlab.filters",
    },
    {"genlab.modalities"},
    {"genlab.data"},
    {"genlab.features", "genlab.statistics", "genlab.sketches", "genlab.maps"},
    {"genlab.quality"},
    {"genlab.models"},
    {"genlab.metrics"},
    {"genlab.latent", "genlab.plane", "genlab.marks"},
    {"genlab.training"},
    {"genlab.story"},
    {"genlab.cli", "genlab.__main__"},
    {"genlab.ui.words", "genlab.ui.theme"},
    {f"genlab.ui.server.{name}" for name in GATES},
    {"genlab.ui.kit"},
    {"genlab.ui.tabs"},
    {"genlab.ui.server.api", "genlab.ui.server.tools"},
    {"genlab.ui.page"},
    {"genlab.ui.server.serve"},
]
PACKAGES = {"genlab", "genlab.ui", "genlab.ui.server"}  # that hold several layers


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


@cache
def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def layer_of(module: str) -> int | None:
    return next((i for i, layer in enumerate(LAYERS) for part in layer if module == part or module.startswith(f"{part}.")), None)


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def offending(found: dict[Path, set[str]]) -> dict[str, set[str]]:
    """The modules in which something was found, each with what it was."""
    return {module_of(file): what for file, what in found.items() if what}


def test_every_module_belongs_to_a_layer():
    assert FILES
    assert [name for name in map(module_of, FILES) if name not in PACKAGES and layer_of(name) is None] == []


def test_imports_point_one_way():
    layers = {file: layer_of(module_of(file)) for file in FILES if module_of(file) not in PACKAGES}
    above = {file: {name for name in imports(file) if (layer_of(name) or 0) > own} for file, own in layers.items()}
    assert offending(above) == {}


def test_nothing_outside_the_page_knows_gradio():
    others = [file for file in FILES if file not in PAGE]
    assert offending({file: {name for name in imports(file) if name.split(".")[0] == "gradio"} for file in others}) == {}


def test_the_page_computes_nothing_with_tensors():
    banned = {"torch.nn", "torch.nn.functional", "torch.optim", "torch.linalg"}
    assert offending({file: imports(file) & banned for file in PAGE}) == {}


def test_families_never_import_one_another():
    families = [ROOT / "genlab" / "models" / f"{name}.py" for name in ("vae", "gan", "diffusion", "gpt", "rnn")]
    others = {file: {module_of(other) for other in families if other != file} for file in families}
    assert offending({file: imports(file) & others[file] for file in families}) == {}


def test_tabs_never_import_one_another():
    tabs = {file: module_of(file).split(".")[3] for file in PAGE if "tabs" in file.parts and module_of(file) != "genlab.ui.tabs"}
    others = {file: {name for name in imports(file) if name.startswith("genlab.ui.tabs.")} for file in tabs}
    assert offending({file: {name for name in others[file] if name.split(".")[3] != tab} for file, tab in tabs.items()}) == {}


def test_nothing_outside_modalities_asks_for_one_by_its_name():
    others = [file for file in FILES if "modalities" not in file.parts]
    assert offending({file: by_name(file) for file in others}) == {}


def test_no_script_of_the_page_asks_for_a_kind_of_data_by_its_name():
    """The server tells what a script needs to know: whether items are seen together, where they lie, what they are called."""
    named, told = "|".join(MODALITIES), "|".join({*MODALITIES} - {"image"})  # an answer's `image` is a picture of whatever it be
    asked = re.compile(rf"modality|[!=]== \"(?:{named})\"|(?:answer|map|model|record|run)\??\.(?:{told})\b")
    assert SCRIPTS
    found = {script.name: asked.findall(script.read_text("utf-8")) for script in SCRIPTS}
    assert {name: what for name, what in found.items() if what} == {}


def test_what_a_line_of_a_script_opens_stands_two_spaces_deeper():
    wrong: dict[str, list[str]] = {}
    for script in SCRIPTS:
        lines = [line for line in script.read_text("utf-8").splitlines() if line.strip()]
        opened = [(a, b) for a, b in pairwise(lines) if re.search(r"^\s*[^/].*[{(\[]$", a) and not re.match(r"\s*[})\]]", b)]
        wrong[script.name] = [b for a, b in opened if depth(b) != depth(a) + 2]
    assert {name: lines for name, lines in wrong.items() if lines} == {}


def depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def by_name(file: Path) -> set[str]:
    """What is compared with the name of a modality, and what is looked up by one; declarations are neither."""
    names, asked = set(MODALITIES), set()
    declared = {id(node.value) for node in ast.walk(tree(file)) if isinstance(node, ast.AnnAssign)}
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Compare) and "modality" in ast.unparse(node):
            asked |= {ast.unparse(node)} if names & constants(node.left, *node.comparators) else set()
        elif isinstance(node, ast.Subscript) and "modalit" in ast.unparse(node).lower():
            asked |= {ast.unparse(node)} if names & constants(node.slice) else set()
        elif isinstance(node, ast.Dict) and id(node) not in declared:
            asked |= {ast.unparse(node)} if names == constants(*filter(None, node.keys)) else set()
    return asked


def constants(*nodes: ast.expr) -> set[object]:
    return {node.value for node in nodes if isinstance(node, ast.Constant)}


def test_every_file_opens_with_a_sentence():
    assert [module_of(file) for file in FILES if not (ast.get_docstring(tree(file)) or "").strip()] == []


def test_nothing_that_can_run_code_from_a_file_is_called():
    imported, called = {"pickle", "torch.load", "yaml", "marshal", "shelve"}, {"eval", "exec", "torch.load"}
    assert offending({file: imports(file) & imported | calls(file) & (imported | called) for file in FILES}) == {}


def calls(file: Path) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree(file)) if isinstance(node, ast.Call)}
