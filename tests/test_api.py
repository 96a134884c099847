"""The API and the MCP server: six functions, which tell and draw what the library draws, and nothing else."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from asking import CALLS, Asker, apart
from gradio_client import Client
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image
from serving import PublicPage

from genlab.data import to_pixels
from genlab.images import wall
from genlab.paths import CHECKPOINTS, EXAMPLES
from genlab.training.checkpoint import load_model
from genlab.training.run import list_runs

SIX = list(CALLS)


def called(page: PublicPage, name: str, *values: Any) -> httpx.Response:
    return httpx.post(f"{page.address}/gradio_api/run/{name}", json={"data": list(values)}, timeout=120)


def pixels_at(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(httpx.get(url).content)))


def test_the_six_are_public_and_nothing_else(public_page: PublicPage):
    info = httpx.get(f"{public_page.address}/gradio_api/info").json()
    assert list(info["named_endpoints"]) == [f"/{name}" for name in SIX]
    assert not info["unnamed_endpoints"]
    everything = httpx.get(f"{public_page.address}/config").json()["dependencies"]
    assert [event["api_name"] for event in everything if event["api_visibility"] == "public"] == SIX


def test_sample_draws_what_the_library_draws(public_page: PublicPage):
    picture, facts = called(public_page, "sample", "vae-mnist", 4, 7, "", {}).json()["data"]
    model = load_model("vae-mnist").model
    *_, draft = model.sample(4, model.SamplingSettings(), 7)
    assert (pixels_at(picture["url"]) == wall(to_pixels(draft.items), 4)[0].numpy()).all()
    assert (facts["n"], facts["seed"], facts["settings"]) == (4, 7, {"truncation": 1.0})


def test_settings_may_be_whole_numbers(public_page: PublicPage):
    _, facts = called(public_page, "sample", "diffusion-mnist", 1, 0, "3", {"steps": 2, "guidance": 1}).json()["data"]
    assert facts["settings"]["steps"] == 2


def test_decode_and_interpolate_agree_at_the_end(public_page: PublicPage):
    start = load_model("vae-mnist").model.prior(1, 5)[0].tolist()
    alone, _ = called(public_page, "decode", "vae-mnist", start, "").json()["data"]
    walk, facts = called(public_page, "interpolate", "vae-mnist", 5, 6, 8, "spherical", "").json()["data"]
    first = pixels_at(walk["url"])[:28, :28].astype(int)
    assert np.abs(first - pixels_at(alone["url"])).max() <= 1
    assert (facts["frames"], facts["way"]) == (8, "spherical")
    assert "path" not in facts, "Gradio's client would take it for a file"


def test_gradios_own_client_calls_all_of_them(public_page: PublicPage, tmp_path: Path):
    client = Client(public_page.address, verbose=False, download_files=str(tmp_path))
    assert {"digits", "rings"} <= {one["name"] for one in client.predict(api_name="/list_datasets")}
    models = {one["name"]: one for one in client.predict(api_name="/list_models")}
    assert models["dcgan-mnist"]["classes"] == list("0123456789")
    assert models["vae-mnist"]["settings"] == {"truncation": 1.0}
    for name, values in list(CALLS.items())[:4]:
        file, facts = client.predict(**values, api_name=f"/{name}")
        assert Image.open(file).size[1] in (8, 28), name
        assert facts, name
        assert (name != "sample") or (facts["n"], facts["label"]) == (4, "3")


def test_inspect_tells_of_the_data(public_page: PublicPage):
    picture, facts = called(public_page, "inspect", "digits", 16, 0).json()["data"]
    assert pixels_at(picture["url"]).shape == (16, 64)
    assert sum(facts["classes"].values()) == facts["parts"]["train"]
    assert len(facts["labels"]) == 16


@pytest.mark.parametrize(("name", "values", "sentence"), [
    ("sample", ["vae-mnst", 4, 0, "", {}], "There is no model called 'vae-mnst'. Did you mean 'vae-mnist'?"),
    ("sample", ["vae-mnist", 65, 0, "", {}], "at most 64 a call"),
    ("sample", ["vae-mnist", 4, 0, "", {"truncation": 9}], "truncation is 9; it must be a number from 0 to 2"),
    ("sample", ["vae-mnist", 4, 0, "3", {}], "trained without classes"),
    ("sample", ["dcgan-mnist", 4, 0, "x", {}], "There is no class called 'x'"),
    ("sample", ["/etc", 4, 0, "", {}], "There is no model called '/etc'"),
    ("decode", ["vae-mnist", [0, 0], ""], "2 numbers were given; the latent of this model has 16"),
    ("interpolate", ["vae-mnist", 0, 1, 4, "bent", ""], "path input should be 'spherical' or 'linear'"),
    ("sample", ["vae-mnist", 4, 2**31 - 3, "", {}], "for 4 items, one from each seed on, it must be from 0 to 2,147,483,644"),
    ("interpolate", ["vae-mnist", 2**31, 1, 4, "linear", ""], "seed is 2147483648; it must be a whole number from 0 to 2,147"),
    ("interpolate", ["vae-mnist", 0, 2**40, 4, "linear", ""], "end_seed is 1099511627776; it must be a whole number from 0"),
    ("decode", ["vae-mnist", [1e300] * 16, ""], "latent.0 input should be less than or equal to 1000000"),
    ("sample", ["<b>", 4, 0, "", {}], "There is no model called '<b>'"),
    ("inspect", ["digits", 4, -1], "seed is -1; it must be a whole number from 0 to 2,147,483,647"),
    ("inspect", ["nothing", 4, 0], "There is no dataset called 'nothing'"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(public_page: PublicPage, name: str, values: list[Any], sentence: str):
    answer = called(public_page, name, *values)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def talk(page: PublicPage) -> tuple[list[Any], dict[str, Any], Any]:
    async def session() -> tuple[list[Any], dict[str, Any], Any]:
        async with (
            streamablehttp_client(f"{page.address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as one,
        ):
            await one.initialize()
            tools = (await one.list_tools()).tools
            answers = {name: await one.call_tool(name, values) for name, values in CALLS.items()}
            return tools, answers, await one.call_tool("decode", {"model": "nothing", "latent": [0]})

    return apart(session())


def test_an_assistant_finds_six_tools_and_sees_pictures(public_page: PublicPage):
    tools, answers, refused = talk(public_page)
    assert [tool.name for tool in tools] == SIX
    assert not any(answer.isError for answer in answers.values())
    assert "digits" in [one["name"] for one in answers["list_datasets"].structuredContent["result"]]
    drawn = answers["sample"]
    for tool in tools:
        assert tool.description.endswith(".")
        assert all(about.get("description") for about in tool.inputSchema["properties"].values()), tool.name
    picture = next(part for part in drawn.content if part.type == "image")
    assert Image.open(io.BytesIO(base64.b64decode(picture.data))).size == (4 * 28, 28)
    facts = json.loads(drawn.content[1].text)
    assert (facts["n"], facts["label"]) == (4, "3") == (drawn.structuredContent["n"], drawn.structuredContent["label"])
    assert not any("/tmp" in part.text or "file=" in part.text for part in drawn.content if part.type == "text")
    schema = next(tool for tool in tools if tool.name == "interpolate").inputSchema
    known = schema["properties"]
    assert "vae-mnist" in known["model"]["enum"]
    assert known["path"]["enum"] == ["spherical", "linear"]
    assert (known["frames"]["minimum"], known["frames"]["maximum"], known["frames"]["default"]) == (2, 64, 11)
    assert (known["seed"]["default"], known["label"]["default"]) == (0, "")
    assert refused.isError
    assert "There is no model called 'nothing'" in refused.content[0].text


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
def test_other_sites_reach_no_tool(public_page: PublicPage, headers: dict[str, str]):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    answer = httpx.post(f"{public_page.address}/gradio_api/mcp/", json=call, headers=headers | accept)
    assert answer.status_code in (400, 403)


def test_programs_see_what_ships_and_keep_nothing(public_page: PublicPage):
    sentence = called(public_page, "sample", "nothing", 1, 0, "", {}).json()["error"]
    assert sentence.endswith(
        f"Possible: {', '.join(sorted(folder.name for folder in CHECKPOINTS.iterdir() if folder != EXAMPLES))}."
    )
    asker, shipped = Asker(httpx.Client(base_url=public_page.address)), [run.name for run in reversed(list_runs(EXAMPLES))]
    assert [run["name"] for run in asker.ask("watch", {})["runs"]] == shipped
    for name, wish in (("rename", {"run": shipped[0], "name": "x"}), ("remove", {"runs": shipped})):
        assert f"There is no run called '{shipped[0]}'" in asker.ask(name, wish)["error"]
