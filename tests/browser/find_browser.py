"""Find a Chromium for the browser tests: on this machine, else playwright's own, else (with --install) fetch one."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip
SENTENCE = (
    "The browser tests need Chromium, and none was found or could be installed. Install one (Debian: apt-get install chromium; "
    "elsewhere: python -m playwright install chromium), or name one in $CHROMIUM."
)


def find_browser() -> str | None:
    """The path of a Chromium on this machine, or None."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), _playwrights_own()]
    return next((path for path in candidates if path and Path(path).exists()), None)


def _playwrights_own() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def install() -> None:
    """Try playwright's download, then Debian's package; neither is an error yet."""
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        commands += [["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]]
    for command in commands:
        if not find_browser():
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(command, check=False, timeout=300)


if __name__ == "__main__":
    if not find_browser() and "--install" in sys.argv:
        install()
    sys.exit(None if find_browser() else SENTENCE)
