"""The programs of docs/api.md run as they stand."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from serving import PublicPage

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
PROGRAMS = re.findall(r"```(python|sh)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def run(page: PublicPage, which: int, folder: Path) -> str:
    language, text = PROGRAMS[which]
    command = [sys.executable, "-c"] if language == "python" else ["sh", "-c"]
    program = text.replace("http://127.0.0.1:7860", page.address)
    assert program != text
    ended = subprocess.run([*command, program], cwd=folder, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_page_has_three_programs():
    assert [language for language, _ in PROGRAMS] == ["python", "python", "sh"]


def test_the_program_of_gradios_client_runs(public_page: PublicPage, tmp_path: Path):
    told = run(public_page, 0, tmp_path)
    assert "'vae-mnist'" in told
    assert "'label': '3'" in told


def test_the_program_of_an_assistant_runs_and_hears_of_every_step(public_page: PublicPage, tmp_path: Path):
    told = run(public_page, 1, tmp_path)
    assert [f"step {step} of 10" in told for step in range(1, 11)] == [True] * 10
    assert "'model': 'diffusion-mnist'" in told
    assert Image.open(tmp_path / "eight.png").size == (8 * 28, 28)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_program_of_a_shell_runs(public_page: PublicPage, tmp_path: Path):
    picture, facts = json.loads(run(public_page, 2, tmp_path))["data"]
    assert picture["url"].startswith(public_page.address)
    assert facts["n"] == 16
