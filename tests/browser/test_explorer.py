"""The explorer in a real browser: drawing, every view, every way to work it, every screen."""

import itertools
import json
import re

import pytest

from aelib import explorer

from .pages import STROKES, html_of

TITLES = {
    "draw": "Draw",
    "latent": "Latent dimension",
    "plane": "Plane",
    "code": "Code",
    "morph": "Morph",
    "alarms": "Ten alarms",
    "stamp": "Stamp",
    "decoders": "Six decoders",
}
# All that can be pointed at or typed into, inside the explorer's shadow root.
CONTROLS = """() => {
  const root = document.querySelector('[data-aelib]').shadowRoot;
  return [...root.querySelectorAll('button, input, select, summary, [tabindex="0"]')]
    .filter((each) => each.checkVisibility())
    .map((each) => ({
      what: each.outerHTML.slice(0, 120),
      name: each.getAttribute('aria-label') ?? each.labels?.[0]?.textContent ?? each.textContent,
      value: each.type === 'range' ? each.getAttribute('aria-valuetext') : null,
      range: each.type === 'range',
    }));
}"""
INK = """(name) => {
  const root = document.querySelector('[data-aelib]').shadowRoot;
  const canvas = [...root.querySelectorAll('.view:not([hidden]) canvas[role="img"]')]
    .find((each) => each.getAttribute('aria-label').startsWith(name));
  const { data } = canvas.getContext('2d').getImageData(0, 0, 28, 28);
  return [...data].filter((_, n) => n % 4 === 0);
}"""


def test_digits_drawn_with_the_mouse_are_read_right(visit, whole):
    on = visit(whole)
    for digit, strokes in STROKES.items():
        on.page.get_by_role("button", name="Clear").click()
        on.draw(strokes)
        on.says(re.compile(f"The judge reads {digit}"))


def test_a_small_drawing_in_a_corner_is_read_as_well(visit, whole):
    on = visit(whole)
    on.draw(STROKES[3], size=0.3, corner=(0.68, 0.66))
    on.says("The judge reads 3")


def test_a_finger_draws(visit, whole):
    on = visit(whole, has_touch=True, viewport={"width": 390, "height": 844}, is_mobile=True)
    touch = on.fingers()
    before = on.page.evaluate("scrollY")
    (path,) = STROKES[7]
    touch("touchStart", path[0])
    for a, b in itertools.pairwise(path):
        for step in range(1, 9):
            touch("touchMove", [a[axis] + (b[axis] - a[axis]) * step / 8 for axis in (0, 1)])
    touch("touchEnd")
    on.says("The judge reads 7")
    assert on.page.evaluate("scrollY") == before, "the page stays where it is under the pen"


def test_the_keyboard_draws_undoes_and_clears(visit, whole):
    on = visit(whole)
    on.page.locator("canvas.pad").focus()
    keys = on.page.keyboard
    for _ in range(9):
        keys.press("ArrowUp")
    keys.press("Space")
    for _ in range(18):
        keys.press("ArrowDown")
    keys.press("Space")
    on.says("The judge reads 1")
    keys.press("Backspace")
    on.says("Nothing is drawn yet.")
    keys.press("Space")
    keys.press("ArrowRight")
    on.says(re.compile("Ink: "))
    keys.press("Delete")
    on.says("Nothing is drawn yet.")


def test_undo_goes_back_through_test_digits_and_clear(visit, whole):
    on = visit(whole)
    button = on.page.get_by_role("button", name="Take a test digit 4")
    button.click()
    on.says("The judge reads 4")
    on.page.get_by_role("button", name="Clear").click()
    on.says("Nothing is drawn yet.")
    on.page.get_by_role("button", name="Undo").click()
    on.says("The judge reads 4")
    first = on.page.evaluate(INK, "3")
    button.click()
    on.page.wait_for_timeout(150)
    assert on.page.evaluate(INK, "3") != first  # the next four


def test_the_eraser_takes_ink_away(visit, whole):
    on = visit(whole)
    on.page.get_by_role("button", name="Take a test digit 8").click()
    before = sum(on.page.evaluate(INK, "3"))
    on.page.get_by_role("button", name="Eraser").click()
    on.draw([[(0.1, 0.5), (0.9, 0.5)]])
    assert sum(on.page.evaluate(INK, "3")) > before + 500  # paler


def test_things_break_and_mend(visit, whole):
    on = visit(whole)
    on.page.get_by_role("button", name="Take a test digit 7").click()
    whole_picture = on.page.evaluate(INK, "3")
    on.page.locator("summary").click()
    seen = [whole_picture]
    for name, words in (
        ("noise", "0.05 of full ink"),
        ("turned", "5° right"),
        ("shifted sideways", "1 pixel right"),
        ("shifted up or down", "1 pixel down"),
    ):
        handle = on.page.get_by_role("slider", name=name)
        handle.focus()
        on.page.keyboard.press("ArrowRight")
        assert handle.get_attribute("aria-valuetext") == words
        picture = on.page.evaluate(INK, "3")
        assert picture not in seen
        seen.append(picture)
    on.page.get_by_role("button", name="Mend everything").click()
    assert on.page.evaluate(INK, "3") == whole_picture


def test_a_thin_pen_leaves_less_ink(visit, whole):
    on = visit(whole)
    on.draw(STROKES[7])
    thick = sum(on.page.evaluate(INK, "3"))
    on.page.locator("summary").click()
    on.page.get_by_role("slider", name="pen", exact=True).focus()
    for _ in range(8):
        on.page.keyboard.press("ArrowLeft")
    assert sum(on.page.evaluate(INK, "3")) > thick + 2000  # paper is bright


def test_latent_dimension_follows_the_slider_and_the_drawing(visit, whole):
    on = visit(whole)
    on.tab("Latent dimension")
    on.page.get_by_role("button", name="Take a test digit 2").click()
    slider = on.page.get_by_role("slider", name="latent dimension d")
    slider.focus()
    on.page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "0"
    mean = on.page.evaluate(INK, "Autoencoder")
    on.page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "32"
    assert on.page.evaluate(INK, "Autoencoder") != mean
    on.says(re.compile("Of the real test digits 2, .* with d = 32"))
    on.page.get_by_role("group", name="PCA").get_by_role("button").nth(1).click()
    assert slider.get_attribute("aria-valuetext") == "1"
    on.page.get_by_role("button", name="Take a test digit 9").click()
    on.says(re.compile("Of the real test digits 9, .* with d = 1, "))


def test_meant_as_decides_who_is_compared(visit, whole):
    on = visit(whole)
    on.tab("Latent dimension")
    on.draw(STROKES[1])
    on.says("Of the real test digits 1,")
    on.page.get_by_label("meant as").select_option("7")
    on.says("Of the real test digits 7,")


def test_the_plane_is_worked_by_mouse_and_keyboard(visit, whole):
    on = visit(whole)
    on.tab("Plane")
    on.page.get_by_role("button", name="Take a test digit 0").click()
    on.says(re.compile("nearest to the point, .* are 0"))
    own = on.page.evaluate(INK, "Drawn at the point")
    plane = on.page.locator("canvas.map")
    box = plane.bounding_box()
    on.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"])
    on.page.mouse.down()
    on.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.1 * box["height"], steps=4)
    on.page.mouse.up()
    dragged = on.page.evaluate(INK, "Drawn at the point")
    assert dragged != own
    plane.focus()
    on.page.keyboard.press("ArrowLeft")
    assert on.page.evaluate(INK, "Drawn at the point") != dragged
    on.page.get_by_role("button", name="Back to my digit").click()
    assert on.page.evaluate(INK, "Drawn at the point") == own


def test_the_code_turns_into_pictures_number_by_number(visit, whole):
    on = visit(whole)
    on.tab("Code")
    on.page.get_by_role("button", name="Take a test digit 3").click()
    copy = on.page.evaluate(INK, "Its reconstruction")
    first = on.page.get_by_role("slider", name="number 1", exact=True)
    first.focus()
    on.page.keyboard.press("End")
    assert first.get_attribute("aria-valuetext") == "above 100 % of real codes"
    assert on.page.evaluate(INK, "With your numbers") != copy
    on.page.get_by_label("numbers in the code").select_option("4")
    on.page.get_by_role("slider", name="number 5").wait_for(state="detached")
    assert on.page.get_by_role("slider", name=re.compile("^number ")).count() == 4


def test_morph_goes_from_one_digit_to_the_other(visit, whole):
    on = visit(whole)
    on.tab("Morph")
    on.page.get_by_label("From", exact=True).select_option("1")
    slider = on.page.get_by_role("slider", name="how far")
    slider.focus()
    on.page.keyboard.press("Home")
    assert on.page.evaluate(INK, "Pixel by pixel") == on.page.evaluate(INK, "From")
    on.page.keyboard.press("End")
    assert on.page.evaluate(INK, "Pixel by pixel") == on.page.evaluate(INK, "To")
    before = on.page.evaluate(INK, "To")
    on.page.get_by_role("button", name="To: another").click()
    assert on.page.evaluate(INK, "To") != before


def test_ten_alarms_flag_strangers_and_let_their_own_pass(visit, whole):
    on = visit(whole)
    on.tab("Ten alarms")
    on.page.get_by_role("button", name="Take a test digit 0").click()
    on.says(re.compile("^9 of 10 flag it. It passes as normal for the model of 0.$"))
    card = on.page.get_by_role("button", name=re.compile("^Model 1: flags; stranger than every"))
    card.click()
    on.says(re.compile("real 1s \\(false alarms"))
    slider = on.page.get_by_role("slider", name="false alarms allowed")
    slider.focus()
    on.page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "50 % of normal validation images"
    on.page.get_by_label("score", exact=True).select_option("mse")
    on.says(re.compile("flag it"))


def test_the_stamp_shows_where_a_grid_comes_from(visit, whole):
    on = visit(whole)
    on.tab("Stamp")
    on.says("no multiple of the stride")
    on.page.get_by_role("slider", name="kernel").focus()
    on.page.keyboard.press("ArrowRight")
    on.says("every pixel inside gets as many stamps. And a flat input comes out flat")
    cell = on.page.get_by_role("button", name="kernel, row 1, column 1: 1")
    cell.focus()
    on.page.keyboard.press("ArrowDown")
    on.says("comes out as a grid: what lands on a pixel adds up to between 3.75 and 4")
    on.page.get_by_role("slider", name="stride").focus()
    on.page.keyboard.press("End")
    on.page.get_by_role("slider", name="kernel").focus()
    on.page.keyboard.press("Home")
    on.says("some pixels are drawn by nobody")
    assert not on.page.locator("canvas.pad").is_visible()


def test_six_decoders_draw_the_same_digit(visit, whole):
    on = visit(whole)
    on.tab("Six decoders")
    on.page.get_by_role("button", name="Take a test digit 8").click()
    kinds = ("transpose", "nearest", "bilinear", "pixel_shuffle")
    drawn = [on.page.evaluate(INK, kind) for kind in kinds]
    assert len({tuple(picture) for picture in drawn}) == 4
    on.page.get_by_label("numbers in the code").select_option("16")
    on.page.wait_for_function(
        f"(before) => ({INK})('nearest').join() !== before.join()", arg=drawn[1]
    )
    on.page.get_by_label("show", exact=True).select_option("error")
    on.says(re.compile("error 0"))


@pytest.mark.parametrize("view", list(TITLES))
def test_every_control_has_a_name_and_every_slider_a_value_in_words(visit, whole, view):
    on = visit(f"{whole}#{view}", pad=view != "stamp")
    on.says("Try first:")
    if view != "stamp":
        on.page.locator("summary").click()
    controls = on.page.evaluate(CONTROLS)
    assert len(controls) > 8
    assert not [each["what"] for each in controls if not (each["name"] or "").strip()]
    assert not [each["what"] for each in controls if each["range"] and not each["value"]]


@pytest.mark.parametrize("view", list(TITLES))
def test_nothing_scrolls_sideways_on_a_phone(visit, whole, view):
    on = visit(f"{whole}#{view}", viewport={"width": 390, "height": 844}, pad=view != "stamp")
    on.says("Try first:")
    if view != "stamp":
        on.page.get_by_role("button", name="Take a test digit 5").click()
    on.page.wait_for_timeout(250)
    assert on.page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_paper(visit, whole, scheme):
    on = visit(whole, color_scheme=scheme)
    assert on.page.locator("[data-aelib]").get_attribute("data-paper") == scheme
    ratios = on.page.evaluate("""() => {
      const style = getComputedStyle(document.querySelector('[data-aelib]'));
      const light = (name) => {
        const parts = style.getPropertyValue(name).trim().match(/\\w\\w/g).slice(0, 3)
          .map((hex) => parseInt(hex, 16) / 255)
          .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
      };
      const against = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return Object.fromEntries(
        ['--text', '--quiet', '--accent', '--second', '--alarm', '--calm', '--ink']
          .map((name) => [name, against(light(name), light('--paper'))]));
    }""")
    assert min(ratios.values()) >= 4.5, ratios


def test_a_page_may_be_dark_by_its_own_choice(visit, whole):
    on = visit(whole, color_scheme="light")
    on.page.evaluate("document.documentElement.classList.add('dark')")
    on.page.locator('[data-paper="dark"]').wait_for()


def test_it_works_from_a_static_server(visit, served, content, tmp_path):
    (tmp_path / "explorer.html").write_text(html_of(content), encoding="utf-8")
    on = visit(f"{served(tmp_path)}/explorer.html")
    on.draw(STROKES[7])
    on.says("The judge reads 7")


def test_one_drawing_serves_all_explorers_of_a_page(visit, content, tmp_path):
    path = tmp_path / "two.html"
    both = [content | {"views": [view], "page": False} for view in ("draw", "latent")]
    one, other = (html_of(each) for each in both)
    path.write_text(one.replace("</main>", f"{other}</main>"), encoding="utf-8")
    on = visit(path.as_uri(), pad=False, viewport={"width": 1280, "height": 3000})
    on.page.locator("canvas.pad").nth(1).wait_for()
    on.page.get_by_role("button", name="Take a test digit 6").first.click()
    on.page.wait_for_function(
        "document.querySelectorAll('[data-aelib]')[1].shadowRoot.querySelector('.verdict p')"
        ".textContent.startsWith('The judge reads 6')"
    )


def test_an_explorer_borrows_models_that_stand_on_the_same_page(visit, content, tmp_path):
    path = tmp_path / "borrow.html"
    lender = content | {"views": ["draw"]}
    borrower = {
        "form": 1,
        "views": ["decoders"],
        "digits": content["digits"],
    }
    page = html_of(lender).replace("</main>", f"{html_of(borrower)}</main>")
    path.write_text(page, encoding="utf-8")
    on = visit(path.as_uri(), pad=False)
    on.page.get_by_text("the original's").first.wait_for()


@pytest.mark.parametrize("view", [view for view in TITLES if view not in ("draw", "stamp")])
def test_a_missing_model_is_said_in_its_place_and_the_rest_goes_on(visit, content, tmp_path, view):
    path = tmp_path / "missing.html"
    poor = {key: content[key] for key in ("form", "digits", "pca")}
    poor |= {"models": {"judge": content["models"]["judge"]}, "views": [view, "draw"]}
    path.write_text(html_of(poor), encoding="utf-8")
    on = visit(path.as_uri())
    on.says(re.compile("did not come with this explorer"))
    on.draw(STROKES[7])
    on.says("The judge reads 7")
    on.tab("Draw")
    on.says("The 784 numbers")


def test_an_unknown_view_and_no_digits_are_said_in_words(visit, content, tmp_path):
    path = tmp_path / "unknown.html"
    poor = {"form": 1, "views": ["nonsense", "draw"], "pca": content["pca"]}
    path.write_text(html_of(poor), encoding="utf-8")
    on = visit(path.as_uri())
    on.says("There is no view nonsense; there are: draw, latent,")
    on.says("The test digits did not come with this explorer.")
    on.draw(STROKES[7])
    on.says("Ink:")


@pytest.mark.parametrize("view", list(TITLES))
def test_an_empty_drawing_breaks_nothing(visit, whole, view):
    on = visit(f"{whole}#{view}", pad=view != "stamp")
    on.says("Try first:")
    if view != "stamp":
        on.page.get_by_role("button", name="Take a test digit 5").click()
        on.says("The judge reads 5")
        on.page.get_by_role("button", name="Clear").click()
        on.says("Nothing is drawn yet.")
        on.draw([[(0.5, 0.5), (0.5, 0.5)]])  # a dot
        on.says("Ink:")


def test_without_scripts_there_is_a_still_and_a_sentence(visit, whole):
    on = visit(whole, java_script_enabled=False, pad=False)
    assert on.page.get_by_alt_text("A still.").is_visible()
    assert on.page.locator("noscript strong").is_visible()
    assert on.page.get_by_text("This is a still.").is_visible()


def test_an_old_browser_is_told_so_beside_the_still(chromium, whole):
    page = chromium.new_page()
    page.add_init_script("delete globalThis.DecompressionStream")
    page.goto(whole)
    page.get_by_text("This browser is too old for the explorer").wait_for()
    assert page.get_by_alt_text("A still.").is_visible()
    page.close()


def test_tabs_are_worked_by_arrow_keys(visit, whole):
    on = visit(whole)
    on.page.get_by_role("tab", name="Draw").focus()
    on.page.keyboard.press("ArrowRight")
    on.says("latent dimension d")
    assert (
        on.page.evaluate(
            "document.querySelector('[data-aelib]').shadowRoot.activeElement.textContent"
        )
        == "Latent dimension"
    )


def test_frames_turn_by_slider_and_keep_their_words(visit, tmp_path):
    pngs = [explorer.STILLS["stamp"]()[0]] * 3
    shown = explorer.frames(pngs, ["0", "50", "400"], "training step", "Ten digits.", start=1)
    path = tmp_path / "frames.html"
    path.write_text(f"<!doctype html><title>x</title><link rel=icon href=data:,>{shown.html()}")
    on = visit(path.as_uri(), pad=False)
    handle = on.page.get_by_role("slider", name="training step")
    assert handle.get_attribute("aria-valuetext") == "50"
    handle.focus()
    on.page.keyboard.press("ArrowRight")
    assert on.page.get_by_alt_text("Ten digits. training step: 400.").is_visible()


def test_plain_nbconvert_html_is_alive(visit, content, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbconvert = pytest.importorskip("nbconvert")
    shown = explorer.Explorer(content | {"views": ["latent"]}, explorer.STILLS["stamp"]()[0], "x")
    data, metadata = shown._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("explore('latent')", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[json.loads(json.dumps(cell))])
    text, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.from_dict(notebook))
    # What the exporter's own template asks of other machines is not the explorer's doing.
    path = tmp_path / "export.html"
    text = re.sub(r'<script[^>]*\bsrc="http[^>]*>\s*</script>', "", text)
    path.write_text(text, encoding="utf-8")
    on = visit(path.as_uri())
    on.draw(STROKES[7])
    on.says("Of the real test digits 7,")
    assert on.page.locator("[data-aelib]").get_attribute("data-paper") == "light"


@pytest.mark.parametrize(("view", "most"), [("latent", 16), ("alarms", 50)])
def test_pictures_follow_the_pointer_at_once(visit, whole, view, most):
    on = visit(f"{whole}#{view}")
    on.page.evaluate("""() => {
      globalThis.times = [];
      let start = 0;
      addEventListener('pointermove', () => { start = performance.now(); }, true);
      const root = document.querySelector('[data-aelib]').shadowRoot;
      root.querySelector('canvas.pad').addEventListener('pointermove', () => {
        if (start) times.push(performance.now() - start);
      });
    }""")
    on.draw(STROKES[3])
    times = sorted(on.page.evaluate("times"))
    assert len(times) >= 20
    # Four times the goal: the machine that tests may be busy. `benchmark` measures it properly.
    assert times[len(times) // 2] < 4 * most
