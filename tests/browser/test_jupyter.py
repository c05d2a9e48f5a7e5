"""A live JupyterLab: the still of an untrusted notebook, and what the first run brings to life."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

from .pages import STROKES, Visit

pytest.importorskip("jupyterlab")
STILL = '<div data-aelib="waiting"><img src="data:image/png;base64,iVBORw0KGgo=" alt="Ten digits.">'
CELLS = (
    "from aelib import explorer\nexplorer.explore('stamp')",
    "pad = explorer.Pad(lambda image, axis: {'flipped': image.flip(axis)}, 'axis', [2, 3])\npad",
    "print(*pad.image.shape, float(pad.image.max()) > 0.9)",
)
READY = """async () => {
  const { sessionContext } = jupyterapp.shell.currentWidget;
  await sessionContext.ready;
  await sessionContext.session.kernel.info;
}"""


@pytest.fixture
def lab(tmp_path):
    """The address of a notebook that nobody has run, in a JupyterLab of its own."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in CELLS])
    html = f"{STILL}<p>This is a still.</p><script>boom()</script></div>"
    notebook.cells[0].outputs = [nbformat.v4.new_output("display_data", {"text/html": html})]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, tmp_path / "own.ipynb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = f"""-m jupyterlab --no-browser --allow-root --port={port}
        --IdentityProvider.token= --LabApp.news_url= --LabApp.expose_app_in_browser=True
        --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"""
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    log = (tmp_path / "log").open("w")
    command = [sys.executable, *command.split()]  # whose folder may have a space in its name
    server = subprocess.Popen(command, env=os.environ | own, cwd=tmp_path, stderr=log)
    for _ in range(240):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/api"):
            break
        time.sleep(0.25)
    yield f"http://127.0.0.1:{port}/lab/tree/own.ipynb?reset"
    server.terminate()  # it ends its kernels, too
    server.wait(60)
    log.close()


def test_the_still_and_the_first_run(chromium, lab):
    on = Visit(chromium.new_page(viewport={"width": 1280, "height": 2400}))
    on.page.set_default_timeout(120_000)
    on.page.goto(lab)
    on.page.get_by_alt_text("Ten digits.").wait_for()
    on.says("This is a still.")

    def run(n):
        on.page.locator(".jp-CodeCell .jp-InputArea-editor").nth(n).click()
        on.page.keyboard.press("Shift+Enter")

    on.page.evaluate(READY)  # until Lab has its session, it drops what it is told to run
    run(0)
    on.page.get_by_role("slider", name="kernel").wait_for()
    assert on.slide("kernel", "ArrowRight") == "4 × 4"  # Lab takes arrow keys for itself
    run(1)
    on.page.locator("canvas.pad").wait_for()
    on.draw(STROKES[3])
    on.says("The judge reads 3")
    on.says("flipped")
    run(2)
    on.says("1 1 28 28 True")
    assert not [error for error in on.errors if "TypeError" in error]
    on.page.close()
