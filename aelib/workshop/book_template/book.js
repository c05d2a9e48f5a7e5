// What the pages of the book do beyond showing text. All of it works without, too.

const root = document.documentElement;

// --- Light and dark: as the system has it, until the reader says otherwise.

const button = document.querySelector(".theme");
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches;
}

function showTheme() {
  button.setAttribute("aria-pressed", String(isDark()));
}

button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // Storage is closed to this page: the choice holds until it is left.
  }
  showTheme();
});
systemIsDark.addEventListener("change", showTheme);
button.hidden = false;
showTheme();

// --- What scrolls sideways inside itself can be reached, and so scrolled, by keyboard.

function markScrollers() {
  for (const box of document.querySelectorAll("pre, .table, .live")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}

addEventListener("resize", markScrollers);
addEventListener("toggle", markScrollers, true); // what was folded has a width only now
markScrollers();

// --- The contents mark the section that is being read.

const entries = new Map();
for (const link of document.querySelectorAll(".contents a[href^='#']")) {
  entries.set(document.getElementById(decodeURIComponent(link.hash.slice(1))), link);
}

function markSection() {
  let current = null;
  for (const [heading, link] of entries) {
    if (heading.getBoundingClientRect().top < innerHeight / 3) current = link;
  }
  for (const link of entries.values()) {
    if (link === current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

addEventListener("scroll", markSection, { passive: true });
markSection();

// --- On a phone the contents lie over the text: a choice closes them, and so does Escape.

const contents = document.querySelector(".contents details");
const isNarrow = () => getComputedStyle(contents.querySelector("summary")).display !== "none";

contents.addEventListener("click", (event) => {
  if (event.target.closest("a") && isNarrow()) contents.open = false;
});
contents.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !isNarrow()) return;
  contents.open = false;
  contents.querySelector("summary").focus();
});

// --- The other language opens at the heading that is being read, which has another name there.

const headings = [...document.querySelectorAll("main :is(h1, h2, h3, h4)")];
const other = document.querySelector("a.language");

other?.addEventListener("click", () => {
  const read = headings.filter((each) => each.getBoundingClientRect().top < innerHeight / 3);
  other.hash = scrollY > 0 ? `at-${Math.max(read.length - 1, 0)}` : "";
});
if (/^#at-\d+$/.test(location.hash)) {
  const heading = headings[Number(location.hash.slice(4))];
  location.replace(`#${encodeURIComponent(heading?.id ?? "")}`);
}

// --- Paper cannot be unfolded: print everything, then fold again what was folded.

let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = [...document.querySelectorAll("main details:not([open])")];
  for (const details of unfolded) details.open = true;
  for (const picture of document.querySelectorAll("img[loading]")) picture.loading = "eager";
});
addEventListener("afterprint", () => {
  for (const details of unfolded) details.open = false;
});
