"""The sentences of the architecture that a machine can check."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "genlab").rglob("*.py"))
LAYERS = [
    {"genlab.errors", "genlab.lazy"},
    {"genlab.registry", "genlab.config", "genlab.files", "genlab.paths", "genlab.images", "genlab.hub", "genlab.algebra"},
    {"genlab.data"},
    {"genlab.features", "genlab.statistics", "genlab.maps"},
    {"genlab.quality"},
    {"genlab.models"},
    {"genlab.latent", "genlab.plane", "genlab.marks"},
    {"genlab.training"},
    {"genlab.story"},
    {"genlab.ui", "genlab.cli", "genlab.__main__"},
]


def imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def layer_of(module: str) -> int | None:
    return next((i for i, layer in enumerate(LAYERS) for part in layer if module == part or module.startswith(f"{part}.")), None)


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_imports_point_one_way(file):
    own = layer_of(module_of(file))
    if module_of(file) == "genlab":
        return
    assert own is not None, f"{module_of(file)} belongs to no layer"
    above = {name for name in imports(file) if (layer_of(name) or 0) > own}
    assert not above, f"{module_of(file)} imports {above}"


@pytest.mark.parametrize("file", [f for f in FILES if "ui" not in f.parts], ids=module_of)
def test_nothing_outside_the_page_knows_gradio(file):
    assert not {name for name in imports(file) if name.split(".")[0] == "gradio"}


@pytest.mark.parametrize("file", [f for f in FILES if "ui" in f.parts], ids=module_of)
def test_the_page_computes_nothing_with_tensors(file):
    assert not imports(file) & {"torch.nn", "torch.nn.functional", "torch.optim", "torch.linalg"}


@pytest.mark.parametrize("family", ["vae", "gan", "diffusion"])
def test_families_never_import_one_another(family):
    others = {f"genlab.models.{name}" for name in ("vae", "gan", "diffusion")} - {f"genlab.models.{family}"}
    assert not imports(ROOT / "genlab" / "models" / f"{family}.py") & others


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_every_file_opens_with_a_sentence(file):
    assert (ast.get_docstring(ast.parse(file.read_text())) or "").strip()


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_nothing_that_can_run_code_from_a_file_is_called(file):
    banned = {"pickle", "torch.load", "yaml", "marshal", "shelve"}
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)}
    assert not (imports(file) | calls) & banned
    assert not calls & {"eval", "exec", "torch.load"}
