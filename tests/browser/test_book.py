"""The reader's edition in a real browser, from the disk and from a static server."""

import pytest

from aelib.workshop import book

CHAPTERS = sorted(path.stem for path in (book.COURSE / "notebooks").glob("*.ipynb"))
PAGES = ["index", *CHAPTERS]
STUB = b"<!doctype html><html lang='en'><title>e</title><body><h1>Explorer</h1></body></html>"
# The contrast of each piece of text with the first opaque background behind it.
CONTRAST = """() => {
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = rgb(colour).map((v) => {
      v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((rgb(colour)[3] ?? 1) > 0.5) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest(".live, script, noscript")) continue;
    const [text, paper] = [getComputedStyle(element).color, behind(element)];
    const [a, b] = [light(text), light(paper)].sort((x, y) => y - x);
    const where = `${text} on ${paper}: ${walker.currentNode.data.trim().slice(0, 30)}`;
    seen[where] = (a + 0.05) / (b + 0.05);
  }
  return Object.entries(seen).filter(([, ratio]) => ratio < 4.5).slice(0, 5);
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("a book")  # a space, as a reader's folder may have one
    book.write_book(made, explorer=lambda: STUB)
    return made


@pytest.fixture
def turn_to(chromium, folder):
    """Open a page of the book; whatever goes wrong while it is open fails the test."""
    wrong, contexts = [], []

    def open_page(name, base=None, width=1280, **options):
        base = base or folder.as_uri()
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()

        def gate(route):
            if route.request.url.startswith((base, "data:", "blob:")):
                return route.continue_()
            wrong.append(route.request.url)
            return route.abort()

        def failed(request):
            if request.failure != "net::ERR_ABORTED":  # the page was left while it loaded
                wrong.append(request.url)

        page.route("**/*", gate)
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("requestfailed", failed)
        page.goto(f"{base}/{name}.html")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_loads_whole_and_does_not_scroll_sideways(turn_to, name, width):
    page = turn_to(name, width=width)
    page.evaluate("document.querySelectorAll('main details').forEach((d) => { d.open = true })")
    page.evaluate(
        "Promise.all([...document.images].map((i) => { i.loading = 'eager'; return i.decode(); }))"
    )
    assert page.evaluate("[...document.images].every((i) => i.naturalWidth > 0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """(width) => [...document.querySelectorAll("main *, nav *")].filter((e) =>
            e.checkVisibility() && !e.closest("pre, .table, .live, svg") &&
            e.getBoundingClientRect().right > width + 1).map((e) => e.outerHTML.slice(0, 80))""",
        width,
    )
    assert outside == []


def test_it_works_from_a_static_server_too(served, turn_to, folder):
    page = turn_to("index", base=served(folder))
    page.get_by_role("link", name="Start reading").click()
    for chapter in CHAPTERS:
        assert page.url.endswith(f"/{chapter}.html")
        page.locator("a[rel=next]").click()
    assert page.url.endswith("/explorer.html")
    page.get_by_role("link", name="Autoencoders, measured").click()
    assert page.url.endswith("/index.html")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_paper(turn_to, name, scheme):
    assert turn_to(name, color_scheme=scheme).evaluate(CONTRAST) == []


def test_solutions_are_folded_until_they_are_opened_by_keyboard(turn_to):
    page = turn_to(CHAPTERS[0])
    solution = page.locator("details.solution").first
    assert not solution.locator("pre").first.is_visible()
    solution.locator("summary").focus()
    page.keyboard.press("Enter")
    assert solution.locator("pre.code").first.is_visible()
    assert solution.locator("pre.output").first.is_visible()


def test_the_first_tab_stop_skips_to_the_text(turn_to):
    page = turn_to(CHAPTERS[0])
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    box = skip.bounding_box()
    assert page.evaluate("document.activeElement.className") == "skip" and box["x"] >= 0
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"


def test_contents_are_at_the_side_or_on_a_phone_fold_out_and_close_after_a_choice(turn_to):
    links = ".contents ol ol a"
    assert turn_to(CHAPTERS[0]).locator(links).first.is_visible()
    page = turn_to(CHAPTERS[0], width=390)
    assert not page.locator(links).first.is_visible()
    page.locator(".contents summary").click()
    last = page.locator(links).last
    last.click()
    assert not last.is_visible()
    heading = page.locator("main h2").last.bounding_box()
    bar = page.locator(".contents").bounding_box()
    assert bar["y"] + bar["height"] <= heading["y"] < 800  # in sight, below the bar
    page.locator(".contents summary").click()
    page.keyboard.press("Escape")
    assert not last.is_visible()


def test_contents_mark_the_section_that_is_read(turn_to):
    page = turn_to(CHAPTERS[1])
    link = page.locator(".contents ol ol a").nth(3)
    link.click()
    page.wait_for_function(
        "(text) => document.querySelector('.contents ol ol [aria-current]')?.textContent === text",
        arg=link.text_content(),
    )


def test_light_or_dark_is_the_systems_until_the_reader_chooses(turn_to):
    paper = "getComputedStyle(document.body).backgroundColor"
    light = turn_to("index", color_scheme="light").evaluate(paper)
    page = turn_to("index", color_scheme="dark")
    dark = page.evaluate(paper)
    button = page.get_by_role("button", name="Dark")
    assert light != dark and button.get_attribute("aria-pressed") == "true"
    button.click()
    assert page.evaluate(paper) == light and button.get_attribute("aria-pressed") == "false"
    page.reload()
    assert page.evaluate(paper) == light
    page.locator(".contents a").first.click()
    page.wait_for_url(f"**/{CHAPTERS[0]}.html")
    assert page.evaluate(paper) == light


def test_wide_code_scrolls_inside_itself_and_by_keyboard(turn_to):
    page = turn_to(CHAPTERS[0], width=390)
    box = page.locator("pre[tabindex='0']").first
    box.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")
    narrow = page.locator("pre:not([tabindex])").first
    assert narrow.evaluate("(e) => e.scrollWidth <= e.clientWidth")


def test_without_scripts_everything_can_be_read(turn_to):
    page = turn_to(CHAPTERS[0], width=390, java_script_enabled=False)
    page.locator(".contents summary").click()
    assert page.locator(".contents ol ol a").first.is_visible()
    page.locator("details.solution summary").first.click()
    assert page.locator("details.solution pre").first.is_visible()
    assert not page.locator(".theme").is_visible()  # it could do nothing


def test_on_paper_solutions_are_unfolded_and_the_frame_is_gone(turn_to):
    page = turn_to(CHAPTERS[0], color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator(".contents").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.solution pre").first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not page.locator("details.solution pre").first.is_visible()
