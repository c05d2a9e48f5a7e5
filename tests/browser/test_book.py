"""The reader's edition in a real browser, from the disk and from a static server."""

import re

import pytest

from aelib import explorer
from aelib.workshop import book

CHAPTERS = sorted(path.stem for path in (book.COURSE / "notebooks").glob("*.ipynb"))
LOADED = """Promise.all([...document.images].map(async (image) => {
  image.loading = "eager";
  await image.decode();
})).then(() => true)"""
OUTSIDE = """() => [...document.querySelectorAll("main *, nav *")].filter((e) =>
  e.checkVisibility() && !e.closest("pre, .table, .picture") && (e.matches(".live") ?
  e.scrollWidth > e.clientWidth : e.getBoundingClientRect().right > innerWidth + 1)
  ).map((e) => e.outerHTML.slice(0, 80))"""
PAPER = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The book, without what takes a minute: the ten alarms and the page with all views."""
    folder = tmp_path_factory.mktemp("a book")  # a space, as a reader's folder may have one
    live = explorer.html
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explorer, "html", lambda *v, **o: "" if "alarms" in v else live(*v, **o))
        patch.setattr(explorer, "page", lambda: '<link rel="icon" href="data:,"><body>')
        book.write_book(folder)
    return folder


@pytest.fixture
def turn_to(visit, folder):
    def open_page(name, width=1280, **options):
        view = {"width": width, "height": 800}
        return visit(f"{folder.as_uri()}/{name}.html", pad=False, viewport=view, **options).page

    return open_page


@pytest.mark.parametrize("name", ["index", *CHAPTERS])
def test_a_page_loads_whole_its_explorers_live_and_nothing_runs_out_of_it(turn_to, name):
    for width in (1280, 390, 320):
        page = turn_to(name, width)
        for host in page.locator("[data-aelib]").all():
            host.locator(".explorer").wait_for()
        page.evaluate("document.querySelectorAll('main details').forEach((d) => { d.open = true })")
        assert page.evaluate(LOADED)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OUTSIDE) == []


def test_keys_open_solutions_skip_to_the_text_and_scroll_wide_code(turn_to):
    page = turn_to(CHAPTERS[0], 390)
    page.keyboard.press("Tab")
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"
    solution = page.locator("details.solution").first
    solution.locator("summary").focus()
    page.keyboard.press("Enter")
    assert all(pre.is_visible() for pre in solution.locator("pre").all())
    page.locator("pre[tabindex='0']").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")


def test_contents_mark_what_is_read_and_on_a_phone_fold_out_and_close(turn_to):
    page = turn_to(CHAPTERS[1])
    link = page.locator(".contents ol ol a").nth(3)
    link.click()
    page.locator(".contents ol ol [aria-current]", has_text=link.text_content()).wait_for()
    page = turn_to(CHAPTERS[0], 390)
    last = page.locator(".contents ol ol a").last
    assert not last.is_visible()
    page.locator(".contents summary").click()
    last.click()
    assert not last.is_visible()
    bar, heading = page.locator(".contents").bounding_box(), page.locator("h2").last.bounding_box()
    assert bar["y"] + bar["height"] <= heading["y"] < 800  # in sight, below the bar


@pytest.mark.parametrize("width", [1280, 390])
def test_the_other_language_opens_where_one_reads(turn_to, width):
    page = turn_to(CHAPTERS[0], width)
    for host in page.locator("[data-aelib]").all():  # what is above has its height
        host.locator(".explorer").wait_for()
    page.locator("main h2").nth(3).evaluate("heading => heading.scrollIntoView()")
    box = page.locator("a.language").bounding_box()  # in sight; `click` would scroll on a phone
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile(r"\.ko\.html#"))
    there = page.locator("main h2").nth(3)
    assert re.search("[가-힣]", there.inner_text())
    assert abs(there.bounding_box()["y"]) < 400 and "#at-" not in page.url
    assert "먼저 해 보세요" in page.locator("[data-aelib] .explorer").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("a.language").click()
    page.wait_for_url(re.compile(r"1_dataset\.html#"))


def test_light_or_dark_is_the_systems_until_the_reader_chooses(turn_to):
    light = turn_to("index", color_scheme="light").evaluate(PAPER)
    page = turn_to("index", color_scheme="dark")
    assert page.evaluate(PAPER) != light
    page.get_by_role("button", name="Dark", pressed=True).click()
    page.locator(".contents a").first.click()
    page.wait_for_url(f"**/{CHAPTERS[0]}.html")
    assert page.evaluate(PAPER) == light


def test_without_scripts_everything_can_be_read(turn_to):
    page = turn_to(CHAPTERS[0], 390, java_script_enabled=False)
    page.locator(".contents summary").click()
    assert page.locator(".contents ol ol a").first.is_visible()
    page.locator("details.solution summary").first.click()
    assert page.locator("details.solution pre").first.is_visible()
    assert page.locator(".live img").first.is_visible() and not page.locator(".theme").is_visible()


def test_paper_is_white_and_has_all_but_the_frame(turn_to):
    page = turn_to(CHAPTERS[0], color_scheme="dark")
    page.locator("[data-aelib] .explorer").first.wait_for()
    page.emulate_media(media="print", color_scheme="dark")
    page.locator(".live img").first.wait_for()  # of an explorer its still
    assert not page.locator(".contents, [data-aelib] .explorer").first.is_visible()
    assert page.evaluate(PAPER) == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.solution pre").first.is_visible()
    assert page.locator("figure .picture img").first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not page.locator("details.solution pre").first.is_visible()
