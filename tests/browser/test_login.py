"""A page with a password opens for whoever knows it, and for nobody else."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from seats import Seats
from serving import serving


def log_in(page: Page, password: str) -> None:
    page.get_by_label("username").fill("genlab")
    page.get_by_label("password").fill(password)
    page.get_by_role("button", name="Login").click()


@pytest.mark.long
def test_who_knows_the_password_comes_in_and_nobody_else(seats: Seats, tmp_path: Path):
    log = tmp_path / "server.log"
    with serving(tmp_path / "runs", log, "--public") as address, seats.one("desk") as page:
        page.goto(address)
        log_in(page, "wrong")
        expect(page.get_by_text("Incorrect Credentials")).to_be_visible()
        log_in(page, re.search(r"password (\S+)", log.read_text())[1])
        expect(page.locator("#latent-image img")).to_be_visible(timeout=60_000)
