"""What all tests share: folders of their own, and datasets that need no download."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings
from serving import PublicPage, serving
from threadpoolctl import threadpool_limits
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50, database=None)
settings.load_profile("busy")  # a machine that trains meanwhile is slow
os.environ.update(HF_HUB_OFFLINE="1", GRADIO_ANALYTICS_ENABLED="False")
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # of processes that a test starts: those that wait would spin


class InTwo(LoadScopeScheduling):
    """Where two processes share the tests, one drives the browser, and the other takes the rest, file by file.

    Some of the browser's files are left for the end, when both take them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        return file if _turn(file) else "browser"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InTwo:
    return InTwo(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.nodeid.split("::")[0]))


def _turn(file: str) -> int:
    """When a file's turn is: some of those that drive the browser come first, the others last."""
    return 1 if "/browser/" not in file else 2 if Path(file).stem < "test_p" else 0


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh cache folder, so that no test depends on what an earlier session derived."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["GENLAB_CACHE"] = str(folder)
    torch.set_num_threads(1)
    threadpool_limits(1)  # a look at the digits takes a tenth of the processor's time
    return folder


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders for the runs and the own datasets of each test."""
    monkeypatch.setenv("GENLAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("GENLAB_DATASETS", str(tmp_path / "datasets"))
    return tmp_path / "runs"


@pytest.fixture(scope="session")
def public_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PublicPage]:
    """One server for all tests of what strangers can do."""
    folder = tmp_path_factory.mktemp("public")
    with serving(folder / "runs", folder / "server.log", "--public", "--no-auth") as address:
        yield PublicPage(address, folder)
