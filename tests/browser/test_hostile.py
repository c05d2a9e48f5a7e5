"""The explorer under visitors, machines and files that do not behave."""

import re

import pytest

from aelib import explorer

from .pages import PNG, STROKES, html_of
from .test_explorer import INK, TITLES

FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  if (!at || at === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const all = [...document.querySelector('[data-aelib]').shadowRoot.querySelectorAll('*')];
  return {
    place: all.indexOf(at),
    what: at.outerHTML.slice(0, 100),
    seen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && box.width > 0,
  };
}"""


def spoil(packed):
    """A packed thing of which a letter in the middle has changed."""
    data = packed["data"]
    middle = len(data) // 2
    return packed | {
        "data": data[:middle] + ("A" if data[middle] != "A" else "B") + data[middle + 1 :]
    }


@pytest.fixture
def show(visit, tmp_path):
    """Open a page with one explorer of some content."""

    def go(content, **options):
        path = tmp_path / "page.html"
        path.write_text(html_of(content | {"page": True}), encoding="utf-8")
        return visit(path.as_uri() + options.pop("hash", ""), **options)

    return go


# --- Hands ----------------------------------------------------------------------------


def press_at(on, x, y):
    box = on.page.locator("canvas.pad").bounding_box()
    on.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_a_stroke_that_is_taken_back_while_it_is_drawn_is_gone(visit, whole):
    on = visit(whole)
    for key in ("Control+z", "Backspace", "Delete"):
        press_at(on, 0.5, 0.2)
        on.page.mouse.down()
        press_at(on, 0.5, 0.5)
        on.page.keyboard.press(key)
        press_at(on, 0.5, 0.8)
        on.page.mouse.up()
        on.says("Nothing is drawn yet.")
    on.page.keyboard.press("Space")
    on.page.keyboard.press("Control+z")
    on.page.keyboard.press("ArrowDown")
    on.says("Nothing is drawn yet.")


def test_off_the_pad_counts_what_is_seen(visit, whole):
    on = visit(whole)
    pictures = []
    for end in (1.0, 1.6):  # to the edge, and far beyond it
        on.page.get_by_role("button", name="Clear").click()
        press_at(on, 0.2, 0.8)
        on.page.mouse.down()
        press_at(on, 0.2, 0.2)
        press_at(on, end, 0.2)
        on.page.mouse.up()
        pictures.append(on.page.evaluate(INK, "3"))
    assert pictures[0] == pictures[1]


def test_the_window_may_change_its_size_under_the_pen(visit, whole):
    on = visit(whole)
    press_at(on, 0.22, 0.2)
    on.page.mouse.down()
    press_at(on, 0.75, 0.2)
    on.page.set_viewport_size({"width": 700, "height": 900})
    on.page.wait_for_timeout(100)
    press_at(on, 0.45, 0.88)
    on.page.mouse.up()
    on.says("The judge reads 7")


def test_a_second_finger_neither_draws_nor_lifts_the_first(visit, whole):
    on = visit(whole, has_touch=True, viewport={"width": 390, "height": 844}, is_mobile=True)
    touch = on.fingers()
    touch("touchStart", (0.22, 0.2))
    touch("touchMove", (0.5, 0.2))
    touch("touchStart", (0.5, 0.2), (0.1, 0.9))  # a second one comes down
    touch("touchMove", (0.75, 0.2), (0.9, 0.9))
    touch("touchEnd", (0.75, 0.2))  # and goes
    for step in range(1, 9):
        touch("touchMove", (0.75 - 0.3 * step / 8, 0.2 + 0.68 * step / 8))
    touch("touchEnd")
    on.says("The judge reads 7")


def test_very_fast_strokes_leave_no_gaps(visit, whole):
    on = visit(whole)
    for stroke in STROKES[7]:
        press_at(on, *stroke[0])
        on.page.mouse.down()
        for point in stroke[1:]:  # one event a corner
            press_at(on, *point)
        on.page.mouse.up()
    on.says("The judge reads 7")


def test_a_key_that_is_held_does_not_make_the_pen_tremble(visit, whole):
    on = visit(whole)
    on.page.locator("canvas.pad").focus()
    for _ in range(2):  # the second is a repetition
        on.page.keyboard.down("Space")
    on.page.keyboard.up("Space")
    on.page.keyboard.press("ArrowDown")
    on.says(re.compile("Ink: "))
    on.says("pen down")


@pytest.mark.parametrize("view", list(TITLES))
def test_every_view_can_be_walked_by_keyboard_and_the_focus_is_seen(visit, whole, view):
    on = visit(f"{whole}#{view}", pad=view != "stamp")
    on.says("Try first:")
    places = []
    for _ in range(120):
        on.page.keyboard.press("Tab")
        stop = on.page.evaluate(FOCUSED)
        if stop is None or stop["place"] < 0:
            break
        assert stop["seen"], stop["what"]
        places.append(stop["place"])
    assert len(places) > 8
    assert places == sorted(set(places))  # from top to bottom, and out at the end


def test_home_and_end_go_to_the_first_and_the_last_view(visit, whole):
    on = visit(whole)
    on.page.get_by_role("tab", name="Draw").focus()
    on.page.keyboard.press("End")
    on.says(re.compile("draw an 8 and look along its edges"))
    on.page.keyboard.press("Home")
    on.page.get_by_role("tab", name="Draw", selected=True).wait_for()


def test_what_is_chosen_last_stands_however_fast_one_chooses(visit, whole):
    on = visit(whole)
    on.page.get_by_role("button", name="Take a test digit 3").click()
    on.tab("Code")
    on.page.evaluate("""() => {
      let wait = 400; // what is asked for first is ready last
      const { arrayBuffer } = Response.prototype;
      Response.prototype.arrayBuffer = async function () {
        wait -= 30;
        await new Promise((ready) => setTimeout(ready, wait));
        return arrayBuffer.call(this);
      };
      const root = document.querySelector('[data-aelib]').shadowRoot;
      const select = root.querySelector('.view:not([hidden]) select');
      for (const value of ['9', '4', '8', '3']) {
        select.value = value;
        select.dispatchEvent(new Event('change'));
      }
    }""")
    on.page.wait_for_timeout(800)
    assert on.page.get_by_role("slider", name=re.compile("^number ")).count() == 3


def test_another_digit_is_not_meant_as_the_one_before(visit, whole):
    on = visit(f"{whole}#latent")
    on.draw(STROKES[1])
    on.page.get_by_label("meant as").select_option("7")
    on.says("Of the real test digits 7,")
    on.page.get_by_role("button", name="Take a test digit 9").click()
    on.says("Of the real test digits 9,")


# --- Screens and papers ---------------------------------------------------------------


def test_colours_that_the_system_forces_still_show_what_is_chosen(visit, whole):
    on = visit(whole, forced_colors="active")
    outline = "(e) => getComputedStyle(e).outlineStyle"
    tab = on.page.get_by_role("tab", name="Draw")
    assert tab.evaluate(outline) != "none"
    assert on.page.get_by_role("tab", name="Plane").evaluate(outline) == "none"
    assert on.page.get_by_role("button", name="Pen", exact=True).evaluate(outline) != "none"


def test_on_paper_the_ink_is_dark_and_the_tools_are_gone(visit, whole):
    on = visit(whole, color_scheme="dark")
    on.page.get_by_role("button", name="Take a test digit 7").click()
    dark = sum(on.page.evaluate(INK, "3"))
    on.page.emulate_media(media="print", color_scheme="dark")
    on.page.locator('[data-paper="light"]').wait_for()
    assert sum(on.page.evaluate(INK, "3")) > 2 * dark  # the paper is bright now
    assert on.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    assert not on.page.locator("canvas.pad").is_visible()
    on.page.emulate_media(media="screen", color_scheme="dark")
    on.page.locator('[data-paper="dark"]').wait_for()


@pytest.mark.parametrize("view", list(TITLES))
def test_at_twice_the_size_nothing_is_lost(visit, whole, view):
    options = {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2}
    on = visit(f"{whole}#{view}", pad=view != "stamp", **options)
    on.says("Try first:")
    assert on.page.evaluate("document.documentElement.scrollWidth") <= 640


# --- Files and machines ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "model"),
    [("latent", "latent/8"), ("code", "latent/10"), ("alarms", "digit/5"), ("plane", "latent/2")],
)
def test_a_damaged_model_is_said_in_its_place_and_the_rest_goes_on(show, content, view, model):
    models = content["models"]
    on = show(content | {"models": models | {model: spoil(models[model])}}, hash=f"#{view}")
    on.says(f"The model {model} is damaged.")
    on.draw(STROKES[7])
    on.says("The judge reads 7")
    on.tab("Draw")
    on.says("The 784 numbers")


def test_a_damaged_model_among_several_to_choose_from(show, content):
    models = content["models"]
    on = show(content | {"models": models | {"latent/4": spoil(models["latent/4"])}}, hash="#code")
    on.page.get_by_label("numbers in the code").select_option("4")
    on.says("The model latent/4 is damaged.")
    on.page.get_by_label("numbers in the code").select_option("3")
    on.page.get_by_role("slider", name="number 3", exact=True).wait_for()
    assert not on.page.get_by_text("is damaged").is_visible()


def test_a_damaged_judge_reads_nothing_and_the_views_go_on(show, content):
    models = content["models"]
    on = show(content | {"models": models | {"judge": spoil(models["judge"])}}, hash="#latent")
    on.draw(STROKES[7])
    on.says("The model judge is damaged. Nobody reads your digit. Ink:")
    on.page.get_by_text(re.compile("^error 0")).first.wait_for()


def test_test_digits_that_are_cut_short_are_said_in_their_place(show, content):
    images = content["digits"]["images"]
    short = images | {"data": images["data"][: len(images["data"]) // 2]}
    on = show(content | {"digits": content["digits"] | {"images": short}})
    on.says("A part of this explorer is damaged.")
    on.draw(STROKES[7])
    on.says("The judge reads 7")


def test_a_broken_payload_leaves_the_still_and_the_others_alone(visit, content, tmp_path):
    broken = '<p>A still.</p><script type="application/json">{</script>'
    broken = f'<div data-aelib="waiting">{broken}</div>'
    page = html_of(content | {"views": ["draw"]}).replace("<main>", f"<main>{broken}")
    path = tmp_path / "broken.html"
    path.write_text(page, encoding="utf-8")
    on = visit(path.as_uri())
    on.says("The explorer could not start")
    assert on.page.get_by_text("A still.").first.is_visible()
    on.draw(STROKES[7])
    on.says("The judge reads 7")


def test_a_browser_that_cannot_read_the_module_is_told_so(chromium, tmp_path):
    template = (explorer.FOLDER / "explorer.html").read_text(encoding="utf-8")
    body = explorer.host({"views": []}, PNG, "A still.")
    path = tmp_path / "old.html"
    # What is not yet known to an old browser is a mistake in its eyes.
    body += '<script type="module">some syntax of tomorrow</script>'
    path.write_text(template.replace("<!-- explorer -->", body), encoding="utf-8")
    page = chromium.new_page()
    page.goto(path.as_uri())
    page.get_by_text("This browser is too old for the explorer").wait_for()
    assert page.get_by_alt_text("A still.").is_visible()
    page.close()


# What the notebook webview of VS Code does with an HTML output, read in its sources: the output
# goes in by innerHTML, then every script is made anew, appended and taken out again, under a
# content security policy that lets nothing be fetched and asks for trusted types.
AS_IN_VS_CODE = """<!doctype html><meta charset="utf-8"><title>x</title>
<link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';
  script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; font-src data:;
  connect-src https:; require-trusted-types-for 'script'">
<body><div id="container"></div>
<script type="text/plain" id="output">OUTPUT</script>
<script>
  const policy = trustedTypes.createPolicy("renderer", {
    createHTML: (html) => html, createScript: (script) => script,
  });
  const element = document.createElement("div");
  const text = document.getElementById("output").textContent.replaceAll("<\\\\script", "<script")
    .replaceAll("<\\\\/script", "</script");
  element.innerHTML = policy.createHTML(text);
  document.getElementById("container").append(element);
  for (const old of [...element.getElementsByTagName("script")]) {
    const script = document.createElement("script");
    script.text = policy.createScript(old.innerText);
    if (old.type) script.setAttribute("type", old.type);
    element.appendChild(script).parentNode.removeChild(script);
  }
</script>"""


def test_it_comes_alive_in_an_editors_webview(visit, content, tmp_path):
    shown = explorer.Explorer(content | {"views": ["latent"]}, PNG, "A still.").html()
    shown = shown.replace("</script", "<\\/script").replace("<script", "<\\script")
    path = tmp_path / "webview.html"
    path.write_text(AS_IN_VS_CODE.replace("OUTPUT", shown), encoding="utf-8")
    on = visit(path.as_uri())
    on.draw(STROKES[7])
    on.says("Of the real test digits 7,")
