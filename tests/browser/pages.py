"""Pages with an explorer, and what a visitor does on them."""

from aelib import explorer

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# A digit as a path over the pad, from 0 to 1 across and down; a list of strokes.
STROKES = {
    1: [[(0.52, 0.15), (0.48, 0.85)]],
    3: [[(0.3, 0.2), (0.5, 0.13), (0.68, 0.25), (0.6, 0.42), (0.42, 0.48), (0.62, 0.52),
         (0.72, 0.68), (0.58, 0.85), (0.4, 0.86), (0.28, 0.78)]],
    4: [[(0.35, 0.15), (0.28, 0.5), (0.7, 0.5)], [(0.62, 0.2), (0.6, 0.88)]],
    7: [[(0.22, 0.2), (0.75, 0.2), (0.45, 0.88)]],
    0: [[(0.5, 0.15), (0.33, 0.28), (0.28, 0.5), (0.34, 0.74), (0.5, 0.86), (0.66, 0.74),
         (0.72, 0.5), (0.66, 0.27), (0.5, 0.15)]],
}  # fmt: skip


def html_of(*contents, more=""):
    """A page with explorers, one for each content; `more` is script inside the first's module."""
    template = (explorer.FOLDER / "explorer.html").read_text(encoding="utf-8")
    parts = [
        explorer.host(content, PNG, "A still.") + explorer.script(*content["views"])
        for content in contents
    ]
    parts[0] = parts[0].replace("\nmountWaiting();\n", f"\nmountWaiting();\n{more}\n")
    return template.replace("<!-- explorer -->", "".join(parts))


# One white pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000003a7e9b550000000a49444154789c63f8"
    "0f0001010100182dd4b40000000049454e44ae426082"
)


INK = """(name) => {
  const root = document.querySelector('[data-aelib]').shadowRoot;
  const canvas = [...root.querySelectorAll('.view:not([hidden]) canvas[role="img"]')]
    .find((each) => each.getAttribute('aria-label').startsWith(name));
  const { data } = canvas.getContext('2d').getImageData(0, 0, 28, 28);
  return [...data].filter((_, n) => n % 4 === 0);
}"""


class Visit:
    """A page of the browser that has opened something, and everything it should not have done."""

    def __init__(self, page):
        self.page, self.errors, self.requests = page, [], []
        page.on("console", self.hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def hear(self, message):
        # The tests read pictures often, which the browser remarks on; readers do not.
        if message.type in ("error", "warning") and "getImageData" not in message.text:
            self.errors.append(message.text)

    def open(self, url, pad=True):
        self.page.goto(url)
        if pad:
            self.page.locator("canvas.pad").wait_for()
        return self

    def strangers(self):
        """Requests to anywhere but the page itself."""
        own = ("file:", "data:", "blob:", "about:", "http://127.0.0.1")
        return [url for url in self.requests if not url.startswith(own)]

    def draw(self, strokes, size=1.0, corner=(0.0, 0.0)):
        """Draw with the mouse; size and corner make it smaller and move it."""
        pad = self.page.locator("canvas.pad").first
        pad.scroll_into_view_if_needed()
        box, mouse = pad.bounding_box(), self.page.mouse

        def place(point):
            x, y = (corner[axis] + size * point[axis] for axis in (0, 1))
            return box["x"] + x * box["width"], box["y"] + y * box["height"]

        for stroke in strokes:
            mouse.move(*place(stroke[0]))
            mouse.down()
            for point in stroke[1:]:
                mouse.move(*place(point), steps=6)
            mouse.up()

    def fingers(self):
        """Return touch(kind, *places): where each finger on the pad is, from 0 to 1 each way."""
        pad = self.page.locator("canvas.pad")
        pad.scroll_into_view_if_needed()
        box = pad.bounding_box()
        hand = self.page.context.new_cdp_session(self.page)

        def touch(kind, *places):
            points = [
                {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"], "id": finger}
                for finger, (x, y) in enumerate(places)
            ]
            hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        return touch

    def tab(self, title):
        self.page.get_by_role("tab", name=title, exact=True).click()
        self.page.locator("section.view:visible .title").filter(has_text=title).wait_for()

    def says(self, words):
        """Wait until the page says something."""
        self.page.get_by_text(words).first.wait_for()

    def press(self, name):
        self.page.get_by_role("button", name=name).first.click()

    def slide(self, name, *keys):
        """Press keys on a slider; what it says of its value."""
        handle = self.page.get_by_role("slider", name=name, exact=True)
        handle.focus()
        for key in keys:
            self.page.keyboard.press(key)
        return handle.get_attribute("aria-valuetext")

    def ink(self, name):
        """The brightness of each pixel of a picture of the view, by its name's first letters."""
        return self.page.evaluate(INK, name)

    def changes(self, name, before):
        """Wait until a picture is another than it was."""
        self.page.wait_for_function(
            f"([name, before]) => String(({INK})(name)) !== String(before)", arg=[name, before]
        )
