"""What one predicts before it is shown, whom one fools, and links to views as they were."""

import io
import re

from PIL import Image

from .pages import STROKES


def test_a_curve_is_predicted_before_it_is_shown(visit, whole):
    on = visit(f"{whole}#latent?d=8&test=4.1")
    on.says(re.compile("with d = 8, "))
    guess = on.page.get_by_role("application", name="Your guess")
    guess.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
        on.page.keyboard.press(key)
    assert "an error of 0.0398" in guess.get_attribute("aria-label")
    truth = on.page.get_by_role("img", name="Error against latent dimension")
    assert not truth.is_visible()
    on.press("Show the true curve")
    truth.wait_for()
    on.says(re.compile(r"Your guess is furthest .* at d = 32: 0.0501, and it is 0.00\d+\."))


def test_rows_are_saved_as_a_picture(visit, whole):
    on = visit(f"{whole}#latent?test=4.1")
    on.says(re.compile("Of the real test digits 4, "))
    with on.page.expect_download() as download:
        on.press("Save these rows as a picture")
    picture = Image.open(io.BytesIO(download.value.path().read_bytes())).convert("L")
    assert picture.width > 10 * picture.height / 3
    assert picture.crop((200, 84, picture.width, 168)).getextrema()[0] < 60  # ink


def test_fooled_alarms_are_counted(visit, whole):
    on = visit(f"{whole}#alarms?allowed=5&model=3&score=mse&test=1.1")
    assert on.slide("false alarms allowed").startswith("5\u00a0%")
    on.says(re.compile(r"real 3s \(false alarms"))
    count = re.compile(r"This one fools (\d): .* Your best so far: (\d)\.")
    on.says(count)
    said = on.page.get_by_text(count)
    words = said.inner_text()
    fooled, best = count.search(words).groups()
    assert fooled == best
    on.press("Clear")
    on.says(re.compile(rf"it is not\.\s+Your best so far: {best}\."))
    on.press("Take a test digit 1")
    on.slide("false alarms allowed", "End")  # fewer are fooled, and counted anew
    said.filter(has_not_text=words).wait_for()
    now, best = count.search(said.inner_text()).groups()
    assert now == best < fooled


def test_links_bring_decoders_and_letters_back(visit, whole):
    on = visit(f"{whole}#decoders?d=16&show=error&test=8.1")
    on.says("error 0.")
    assert on.page.get_by_label("numbers in the code").input_value() == "16"
    assert on.page.get_by_label("show", exact=True).input_value() == "error"
    on.page.goto(f"{whole}#letters?letter=digeut.2")
    on.says(re.compile(r"known: \d+\s% drawn, added: \d+\s%"))
    on.page.wait_for_function("location.hash.includes('letter=digeut.2')")
    on.draw(STROKES[1])
    on.page.wait_for_function("location.hash.includes('strokes=')")
    link = on.page.evaluate("location.hash").replace("#letters", "#draw")
    assert "letter=digeut.2&strokes=" in link
    on.open("about:blank", pad=False).open(whole + link)  # the letter, and what was drawn on it
    on.page.wait_for_function("(link) => location.hash === link", arg=link)
    on.says("with your strokes, as they lie")
