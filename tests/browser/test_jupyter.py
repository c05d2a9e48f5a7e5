"""The explorer and the pad in a live JupyterLab, from the first run to the reopened file."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

from .pages import STROKES

pytest.importorskip("jupyterlab")
CELLS = (
    "from aelib import explorer\nexplorer.explore('draw')",
    "pad = explorer.Pad()\npad",
    "print(*pad.image.shape, pad.image.dtype, float(pad.image.max()) > 0.9)",
)


@pytest.fixture
def lab(tmp_path):
    """A JupyterLab of its own, with a notebook that has not been run."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    (tmp_path / "work").mkdir()
    nbformat.write(notebook, tmp_path / "work" / "own.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        name: str(tmp_path / name)
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
               f"--port={port}", "--ip=127.0.0.1", "--IdentityProvider.token=",
               "--ServerApp.disable_check_xsrf=True",
               f"--ServerApp.root_dir={tmp_path / 'work'}",
               "--LabApp.news_url=", "--LabApp.check_for_updates_class="
               "jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    server = subprocess.Popen(
        command, env=os.environ | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(240):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api"):
            break
        time.sleep(0.25)
    yield url, tmp_path / "work" / "own.ipynb"
    # A kernel that is dying just now makes the server answer with an error; it goes all the same.
    with contextlib.suppress(OSError):
        shut_down_kernels(url)
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def shut_down_kernels(url):
    with urllib.request.urlopen(f"{url}/api/kernels") as answer:
        kernels = json.load(answer)
    for kernel in kernels:
        request = urllib.request.Request(f"{url}/api/kernels/{kernel['id']}", method="DELETE")
        urllib.request.urlopen(request).close()


def test_run_draw_read_save_shut_down_reopen(chromium, lab):
    url, path = lab
    page = chromium.new_context(viewport={"width": 1280, "height": 1800}).new_page()
    page.set_default_timeout(90_000)
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))

    def draw(pad, strokes):
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        for stroke in strokes:
            places = [
                (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke
            ]
            page.mouse.move(*places[0])
            page.mouse.down()
            for place in places[1:]:
                page.mouse.move(*place, steps=6)
            page.mouse.up()

    page.goto(f"{url}/lab/tree/own.ipynb?reset")
    cells = page.locator(".jp-CodeCell")
    cells.nth(2).wait_for(timeout=120_000)
    pads = page.locator("canvas.pad")
    for _ in range(3):  # a busy machine may lose the keys while Lab is still starting
        for cell in range(2):
            cells.nth(cell).locator(".jp-InputArea-editor").click()
            page.keyboard.press("Shift+Enter")
        for _ in range(180):  # the first import of the kernel may take its time
            if pads.count() == 2:
                break
            page.wait_for_timeout(500)
        if pads.count() == 2:
            break

    # The explorer, which is HTML: by mouse, and by the keys that Lab takes for itself.
    first = cells.nth(0)
    draw(pads.first, STROKES[7])
    first.get_by_text("The judge reads 7").wait_for()
    slider = first.get_by_role("slider", name="numbers kept by PCA")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "9"
    pads.first.focus()
    page.keyboard.press("Delete")
    first.get_by_text("Nothing is drawn yet.").wait_for()
    assert cells.count() == 3  # no key has deleted, cut or added a cell

    # The pad, which is a widget: what was drawn is in Python in the next cell.
    draw(pads.nth(1), STROKES[3])
    cells.nth(1).get_by_text("The judge reads 3").wait_for()
    page.wait_for_timeout(500)
    cells.nth(2).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")
    cells.nth(2).get_by_text("1 1 28 28 torch.float32 True").wait_for()

    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Save Notebook( Ctrl|$)")).first.click()
    for _ in range(40):
        if "data-aelib" in path.read_text(encoding="utf-8"):
            break
        page.wait_for_timeout(250)
    assert "data-aelib" in path.read_text(encoding="utf-8")
    shut_down_kernels(url)

    page.goto("about:blank")
    page.goto(f"{url}/lab/tree/own.ipynb?reset")
    page.locator("canvas.pad").first.wait_for(timeout=120_000)
    draw(page.locator("canvas.pad").first, STROKES[4])
    page.get_by_text("The judge reads 4").first.wait_for()
    assert not problems
    page.context.close()


def test_an_untrusted_notebook_shows_the_still(chromium, lab):
    url, path = lab
    notebook = nbformat.read(path, 4)
    data = {"text/html": '<div data-aelib="waiting"><img src="data:image/png;base64,iVBORw0KGgo="'
                         ' alt="Ten digits."><p>This is a still.</p><script>boom()</script></div>',
            "text/plain": "x"}  # fmt: skip
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", data=data)]
    nbformat.write(notebook, path)
    page = chromium.new_page()
    page.goto(f"{url}/lab/tree/own.ipynb?reset")
    page.get_by_alt_text("Ten digits.").wait_for(timeout=120_000)
    assert page.get_by_text("This is a still.").is_visible()
    page.close()
