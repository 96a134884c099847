"""Hub: models published to and fetched from huggingface.co, as the folders of safetensors and JSON that they are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx2  # what huggingface_hub speaks HTTP with
from huggingface_hub import CommitOperationAdd, HfApi, ModelCardData, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HfUriError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from genlab.errors import BadCheckpoint, BadSetting, GenlabError, UnknownName
from genlab.paths import HUB, cache_folder

ADDRESS = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w.-]+))?", re.ASCII)
OURS = re.compile(r"config\.json|card\.md|merges\.txt|(preview|curves)\.png|([\w-]+/)?[\w-]+\.(json|safetensors)", re.ASCII)
LARGEST = 4 * 2**30  # bytes of all files of a model
TEXT = 2**23  # bytes of one that is not weights; a large vocabulary takes a few MB


class HubFault(GenlabError):
    """The Hub cannot be reached, or refuses what was asked."""


@lru_cache(maxsize=64)
def fetch(address: str) -> Path:
    """The folder of the model at `hf://USER/NAME`, or at one revision of it: `hf://USER/NAME@REVISION`.

    Only files that a genlab checkpoint has are downloaded, once; without a connection, what was fetched earlier is taken.
    """
    found = ADDRESS.fullmatch(address)
    if found is None:
        raise BadSetting("{address!r} is no address of a model on the Hub; write it as hf://USER/NAME.", address=address)
    repo, revision = found["repo"], found["revision"]
    with _sentences(repo):
        try:
            info = HfApi().model_info(repo, revision=revision, files_metadata=True)
        except (OfflineModeIsEnabled, httpx2.TransportError):
            return _snapshot(repo, revision, local_files_only=True)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
        return _snapshot(repo, revision, allow_patterns=_wanted(repo, sizes))


def push(folder: Path, repo: str, private: bool = False) -> str:
    """Publish the model in `folder` as USER/NAME, with its card as the front page; returns its address on the web."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo, re.ASCII):
        raise BadSetting("{repo!r} is no name on the Hub; write it as USER/NAME.", repo=repo)
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    own = {name: file for name, file in files.items() if OURS.fullmatch(name) and not name.startswith("training/")}
    adds = [CommitOperationAdd(name, file) for name, file in own.items()]
    adds.append(CommitOperationAdd("README.md", _front_page((folder / "card.md").read_text("utf-8"), repo, list(own)).encode()))
    api = HfApi()
    with _sentences(repo):
        url = api.create_repo(repo, private=private, exist_ok=True)
        api.create_commit(repo, adds, commit_message="A model of genlab")
    return str(url)


def _snapshot(repo: str, revision: str | None, **options: Any) -> Path:
    folder: Any = snapshot_download(repo, revision=revision, cache_dir=cache_folder() / "hub", **options)
    return Path(folder)


def _wanted(repo: str, sizes: dict[str, int]) -> list[str]:
    """The files of a repository that a checkpoint needs; raises BadCheckpoint where it is none, or is too large."""
    wanted = {name: size for name, size in sizes.items() if OURS.fullmatch(name) and not name.startswith("training/")}
    if "config.json" not in wanted or not any(name.endswith(".safetensors") for name in wanted):
        raise BadCheckpoint(
            "{hub}{repo} is not a model of genlab: it needs a config.json and weights as .safetensors.", hub=HUB, repo=repo
        )
    texts = [name for name, size in wanted.items() if size > TEXT and not name.endswith(".safetensors")]
    if texts or sum(wanted.values()) > LARGEST:
        what = texts[0] if texts else f"{sum(wanted.values()) / 2**30:.1f} GB"
        raise BadCheckpoint("{hub}{repo} is too large ({what}); nothing was fetched.", hub=HUB, repo=repo, what=what)
    return list(wanted)


TASKS = {"images": "unconditional-image-generation", "texts": "text-generation", "series": "time-series-forecasting"}  # there


def _front_page(card: str, repo: str, files: list[str]) -> str:
    """The card of a checkpoint as the README.md of a repository."""
    family = found[1] if (found := re.search(r"\*\*Family\*\*: ([\w-]+)", card)) else "model"
    data = found[1] if (found := re.search(r"\*\*Data\*\*: ([\w-]+)", card)) else None
    writes = "tokenizer.json" in files
    about = ModelCardData(
        library_name="genlab",
        pipeline_tag=TASKS["texts" if writes else "series" if family == "rnn" else "images"],
        tags=["genlab", family, *([data] if data else [])],
    )
    picture = "![Samples](preview.png)\n\n" if "preview.png" in files else ""
    use = f"```\npython -m genlab sample {HUB}{repo} {'--n 3' if writes else '--n 64 --out samples.png'}\n```"
    return f"---\n{about.to_yaml()}\n---\n\n{card}\n{picture}Draw from it:\n\n{use}\n"


@contextmanager
def _sentences(repo: str) -> Iterator[None]:
    try:
        yield
    except (OfflineModeIsEnabled, httpx2.TransportError) as fault:
        raise HubFault("The Hub cannot be reached; is this machine online?") from fault
    except LocalEntryNotFoundError as fault:
        raise HubFault("The Hub cannot be reached, and {repo} has not been fetched before.", repo=repo) from fault
    except RevisionNotFoundError as fault:
        raise UnknownName("{repo} has no such revision on the Hub.", repo=repo) from fault
    except RepositoryNotFoundError as fault:
        raise UnknownName(
            "There is no model {repo} on the Hub, or you may not see it. Check the name; for a private one run 'hf auth login'.",
            repo=repo,
        ) from fault
    except (EntryNotFoundError, HFValidationError, HfUriError) as fault:
        raise BadCheckpoint("{hub}{repo} cannot be fetched: {fault}", hub=HUB, repo=repo, fault=_line(fault)) from fault
    except HfHubHTTPError as fault:
        status = fault.response.status_code if fault.response is not None else 0
        if status in (401, 403):
            raise HubFault("The Hub refuses {repo}: run 'hf auth login' with a token that may do this.", repo=repo) from fault
        raise HubFault("The Hub refuses {repo}: {fault}", repo=repo, fault=_line(fault)) from fault
    except OSError as fault:
        raise HubFault("{repo} cannot be fetched or published: {fault}", repo=repo, fault=_line(fault)) from fault


def _line(fault: Exception) -> str:
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0]
