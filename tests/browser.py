"""Open a page in an installed Chromium or Chrome: what it shows, says and asks for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@dataclass(frozen=True)
class Opened:
    """The page after its scripts ran, and every line on the console."""

    dom: str
    console: list[str]


def open_page(page: Path, profile: Path, address: str = "") -> Opened:
    """Open a page, at a place inside it; skip the test where there is no browser."""
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome is installed to open the page in")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={profile}", "--virtual-time-budget=20000", "--enable-logging=stderr",
        "--dump-dom", page.as_uri() + address,
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(profile)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return Opened(done.stdout, re.findall(r".*:CONSOLE.*", done.stderr))
