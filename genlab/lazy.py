"""Loading on use: packages that import what they offer when it is asked for, and functions that are imported when called."""

import ast
import gc
import sys
from collections.abc import Callable
from importlib import import_module as import_now
from pathlib import Path
from typing import Any


def on_use(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package (PEP 562), which do what its imports under `if TYPE_CHECKING:` say.

    Editors and type checkers read these imports as they stand; Python does each when its name is first asked for.
    """
    module = sys.modules[package]
    homes = _homes(Path(str(module.__file__)))

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        value = import_module(f"{package}.{name}") if home == package else getattr(import_module(home), name)
        setattr(module, name, value)  # from now on it is found without asking here
        return value

    return load, lambda: sorted({*vars(module), *homes})


def named(module: str, name: str) -> Callable[[], Any]:
    """A function that gives what a module has under a name; the module is imported when it is called."""
    return lambda: getattr(import_module(module), name)


def late(module: str, name: str) -> Callable[..., Any]:
    """A function or class by where it lies, whose module is imported when it is called."""
    return lambda *arguments, **options: named(module, name)()(*arguments, **options)


def import_module(name: str) -> Any:
    """Import without collecting garbage meanwhile, which takes a sixth of the time that torch and gradio need to be imported."""
    if name in sys.modules:
        return import_now(name)
    collects = gc.isenabled()
    gc.disable()
    try:
        return import_now(name)
    finally:
        if collects:
            gc.enable()


def _homes(file: Path) -> dict[str, str]:
    """What a package imports under `if TYPE_CHECKING:`, and from where."""
    blocks = [node for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.If)]
    imports = [node for block in blocks if ast.unparse(block.test) == "TYPE_CHECKING" for node in block.body]
    return {alias.name: str(node.module) for node in imports if isinstance(node, ast.ImportFrom) for alias in node.names}
