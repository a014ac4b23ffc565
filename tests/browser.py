"""Pages in headless Chromium."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")

in_a_browser = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
"""Mark of a test that opens a page: Playwright leaves sockets to the garbage collector."""


@contextmanager
def opened_in_chromium(
    path: Path, width: int = 1280, height: int = 900
) -> Iterator[tuple[Page, list[str]]]:
    """The page, and what went wrong there: console messages, errors, requests of anything else."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_page(viewport={"width": width, "height": height})
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: _note_foreign(request.url, faults))
        page.goto(path.as_uri())
        yield page, faults
        browser.close()


def _note_foreign(url: str, faults: list[str]) -> None:
    if not url.startswith(("file:", "data:")):
        faults.append(url)
