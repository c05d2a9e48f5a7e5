"""The explorer under visitors, machines and files that do not behave."""

import re

import pytest

from .pages import STROKES


def spoil(packed):
    """A packed thing of which a letter in the middle has changed."""
    data, middle = packed["data"], len(packed["data"]) // 2
    other = "A" if data[middle] != "A" else "B"
    return packed | {"data": data[:middle] + other + data[middle + 1 :]}


def spoiled(content, name):
    models = content["models"]
    return content | {"models": models | {name: spoil(models[name])}, "page": True}


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


def test_a_second_finger_neither_draws_nor_lifts_the_first(visit, whole):
    on = visit(whole, has_touch=True, viewport={"width": 390, "height": 844}, is_mobile=True)
    touch = on.fingers()
    before = on.page.evaluate("scrollY")
    touch("touchStart", (0.22, 0.2))
    touch("touchMove", (0.5, 0.2))
    touch("touchStart", (0.5, 0.2), (0.1, 0.9))  # a second one comes down
    touch("touchMove", (0.75, 0.2), (0.9, 0.9))
    touch("touchEnd", (0.75, 0.2))  # and goes
    for step in range(1, 9):
        touch("touchMove", (0.75 - 0.3 * step / 8, 0.2 + 0.68 * step / 8))
    touch("touchEnd")
    on.says("The judge reads 7")
    assert on.page.evaluate("scrollY") == before  # the page stays where it is under the pen


def test_what_is_chosen_last_stands_however_fast_one_chooses(visit, whole):
    on = visit(f"{whole}#machine")
    on.says("Try first:")
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


def test_colours_that_the_system_forces_still_show_what_is_chosen(visit, whole):
    on = visit(whole, forced_colors="active")
    outline = "(e) => getComputedStyle(e).outlineStyle"
    assert on.page.get_by_role("tab", name="Draw").evaluate(outline) != "none"
    assert on.page.get_by_role("tab", name="Plane").evaluate(outline) == "none"
    assert on.page.get_by_role("button", name="Pen", exact=True).evaluate(outline) != "none"


@pytest.mark.parametrize(("view", "model"), [("latent", "latent/8"), ("alarms", "digit/5")])
def test_a_damaged_model_is_said_in_its_place_and_the_rest_goes_on(show, content, view, model):
    on = show(spoiled(content, model), place=f"#{view}")
    on.says(f"The model {model} is damaged.")
    on.draw(STROKES[7])
    on.says("The judge reads 7")
    on.tab("Draw")
    on.says("The 784 numbers")


def test_a_damaged_model_among_several_to_choose_from(show, content):
    on = show(spoiled(content, "latent/4"), place="#machine")
    on.page.get_by_label("numbers in the code").select_option("4")
    on.says("The model latent/4 is damaged.")
    on.page.get_by_label("numbers in the code").select_option("3")
    on.page.get_by_role("slider", name="number 3", exact=True).wait_for()
    assert not on.page.get_by_text("is damaged").is_visible()


def test_a_damaged_judge_reads_nothing_and_the_views_go_on(show, content):
    on = show(spoiled(content, "judge"), place="#latent")
    on.draw(STROKES[7])
    on.says("The model judge is damaged. Nobody reads your digit. Ink:")
    on.page.get_by_text(re.compile("^error 0")).first.wait_for()
