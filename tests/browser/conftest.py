"""A real browser for the explorer's tests. Without one they are skipped and say so."""

import functools
import http.server
import shutil
import threading

import pytest
import torch

from aelib import detection, explorer
from aelib.data import DIGITS
from aelib.explorer.payload import payload_of

from .pages import BROWSERS, OPTIONS, Visit, html_of


@pytest.fixture(scope="session")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def content(splits):
    """What all views need. The test set's scores, which take a minute, are left out."""
    blank = torch.zeros(len(splits.test))
    names = (*detection.SCORES, detection.WITH_CODE)
    return payload_of(explorer.VIEWS, test_scores={d: dict.fromkeys(names, blank) for d in DIGITS})


@pytest.fixture
def visit(chromium):
    """Open pages with `visit(url, **context)`; afterwards nothing may have gone wrong."""
    contexts, visits = [], []

    def go(url, pad=True, **options):
        quiet = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        options = quiet | options
        contexts.append(chromium.new_context(**options))
        visits.append(Visit(contexts[-1].new_page()))
        return visits[-1].open(url, pad)

    yield go
    for context in contexts:
        context.close()
    for each in visits:
        assert not each.errors
        assert not each.strangers()


@pytest.fixture
def show(visit, tmp_path):
    """Open a page with explorers, one for each content, and `more` script in the first's module."""

    def go(*contents, more="", place="", **options):
        path = tmp_path / "page.html"
        path.write_text(html_of(*contents, more=more), encoding="utf-8")
        return visit(path.as_uri() + place, **options)

    return go


@pytest.fixture(scope="session")
def whole(content, tmp_path_factory):
    """The file with all views, as a URL that opens from the disk."""
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    path.write_text(html_of(content | {"page": True}), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def served():
    """Serve a folder on this machine: `served(folder)` gives its URL."""
    servers = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def serve(folder):
        handler = functools.partial(Quiet, directory=folder)
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
