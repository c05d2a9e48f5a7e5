"""What an explorer opens with: a digit that writes itself, an address, what was drawn before."""

import re

from aelib import explorer

from .pages import STROKES

WRONG = {
    "draw?strokes=.WZNR8As0": "strokes",
    "draw?pen=2&strokes=.": "strokes",
    "draw?test=77": "test",
    "latent?d=1000": "d",
    "nowhere?d=2": "nowhere",
}


def address(on, part):
    """The address, once some part stands in it."""
    on.page.wait_for_function("(part) => location.hash.includes(part)", arg=part)
    return on.page.evaluate("location.href")


def turn_to(on, view):
    on.page.evaluate("(to) => { location.hash = to; }", view)
    on.page.locator(f".view:not([hidden])[data-view={view}] .first").wait_for()


def test_a_digit_writes_itself_and_makes_way(visit, whole):
    on = visit(f"{whole}#latent", reduced_motion="no-preference")
    on.says("The judge reads 5")
    assert "strokes" not in on.page.evaluate("location.hash")
    on.draw(STROKES[7])
    on.says("The judge reads 7")
    on.press("Undo")
    on.says("Nothing is drawn yet.")


def test_a_link_shows_what_was_seen_and_fits_into_a_mail(visit, whole):
    on = visit(f"{whole}#latent")
    on.draw(STROKES[3])
    address(on, "strokes=")
    on.slide("latent dimension d", "End")
    link, drawn = address(on, "d=32"), on.ink("Autoencoder")
    assert len(link.partition("#")[2]) < 200
    other = visit(link)
    other.says("The judge reads 3")
    assert other.slide("latent dimension d") == "32"
    same = [abs(a - b) < 30 for a, b in zip(drawn, other.ink("Autoencoder"), strict=True)]
    assert sum(same) > 700  # the points of its strokes lie on a grid
    other.page.evaluate("location.hash = '#plane?hide=tabs,first&test=4.2'")
    other.says("The judge reads 4")
    assert not other.page.locator(".tabs:visible, .first:visible").count()  # so a teacher may ask


def test_an_address_that_cannot_be_read_is_said_and_left_out(visit, whole):
    on = visit(f"{whole}#draw?strokes=%E0")  # as a mail program may cut it
    on.says("what it says of strokes is left out")
    for wrong, key in WRONG.items():
        on.page.evaluate("(to) => { location.hash = to; }", wrong)
        on.says(f"what it says of {key} is left out")
        on.says("The judge reads 5")  # as it would be without


def test_a_drawing_goes_along_to_another_page(visit, whole):
    on = visit(f"{whole}#draw")
    on.draw(STROKES[4])
    address(on, "strokes=")
    on.open("about:blank", pad=False).open(f"{whole}#latent")
    on.says("The judge reads 4")


def test_a_browser_without_storage_forgets_and_nothing_else(chromium, whole):
    with chromium.new_page() as page:
        closed = "Object.defineProperty(window, 'sessionStorage', { get() { throw 0; } })"
        page.add_init_script(closed)
        page.goto(whole)
        page.get_by_text("The judge reads 5").wait_for()


def test_tours_point_at_each_of_their_things_and_only_when_asked(visit, whole):
    on = visit(whole)
    text = (explorer.FOLDER / "tour.js").read_text(encoding="utf-8")
    for view in explorer.VIEWS:
        turn_to(on, view)
        assert not on.page.locator(".tip").count()
        own = re.search(rf"^  {view}: \[(.*?)\]\],$", text, re.MULTILINE | re.DOTALL)[1]
        targets = re.findall(r"PAD|SEEN|(?<=\[\")[^\"]+", own)
        for target in targets:
            where = f".{target.lower()}" if target in ("PAD", "SEEN") else target
            on.page.locator(f"{where}:visible").first.wait_for()  # its models may be on the way
        on.page.locator(".view:not([hidden]) .first button").click()
        steps = re.search(r"1 of (\d)", on.page.locator(".tip button").first.text_content())
        assert int(steps[1]) == len(targets), view
        on.page.keyboard.press("Enter")  # the next view ends it


def test_on_a_phone_pad_and_pictures_are_on_the_screen_together(visit, whole):
    on = visit(whole, viewport={"width": 390, "height": 660})
    for view in (view for view in explorer.VIEWS if view != "stamp"):
        turn_to(on, view)
        pictures = on.page.locator(".view:not([hidden]) canvas:visible")
        for picture in (pictures.first, pictures.last):
            picture.evaluate("(e) => e.scrollIntoView({ block: 'end' })")
            pad = on.page.locator("canvas.pad").bounding_box()
            assert pad["y"] >= 0 and pad["y"] + pad["height"] <= 660, view
