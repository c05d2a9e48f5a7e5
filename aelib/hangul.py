"""Hangul: fourteen letters drawn by a program, so that every pixel knows its stroke.

King Sejong's scholars made letters from each other by adding strokes: nieun and a bar is digeut,
siot and a bar is jieut, ieung and two is hieut. Here each is a short table of strokes, bent and
shaken as a hand would, and inked and centred as MNIST's digits were. A drawn letter is no
handwriting: all these hands are one hand that shakes. Source: Hunminjeongeum, 1446; notebook 3.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aelib.data import SIDE, Digits, Splits, cache_folder, write
from aelib.prepare import BOX, PEN

# Each letter's name, how it is printed, and its strokes: points in a square of 100, right and
# down from its upper left corner. What it shares with the letter it is made from comes first.
TABLE = """
giyeok ㄱ  10,10 85,10 75,95
kieuk  ㅋ  10,10 85,10 75,95 | 12,48 80,48
nieun  ㄴ  15,5 15,90 95,90
digeut ㄷ  15,5 15,90 95,90 | 15,5 90,5
tieut  ㅌ  15,5 15,90 95,90 | 15,5 90,5 | 15,47 85,47
rieul  ㄹ  10,5 85,5 85,45 | 10,48 85,48 | 12,50 12,95 95,95
mieum  ㅁ  10,10 12,90 | 10,10 88,10 88,90 | 12,90 88,90
bieup  ㅂ  12,0 12,95 | 86,0 86,95 | 12,50 86,50 | 12,95 86,95
pieup  ㅍ  2,8 98,8 | 32,10 34,88 | 68,10 66,88 | 0,92 100,92
siot   ㅅ  50,10 5,95 | 48,35 95,95
jieut  ㅈ  50,10 5,95 | 48,35 95,95 | 8,10 92,10
chieut ㅊ  50,10 5,95 | 48,35 95,95 | 8,10 92,10 | 50,-22 52,-4
ieung  ㅇ  ring
hieut  ㅎ  ring | 5,-6 95,-6 | 50,-32 50,-16
"""
Stroke = Sequence[tuple[float, float]]
RING = [(50 + 40 * np.sin(turn), 50 - 40 * np.cos(turn)) for turn in np.linspace(0, 2 * np.pi, 25)]
STROKE = r"\s*(ring|-?\d+,-?\d+(\s+-?\d+,-?\d+)+)\s*"
PARTS = 5  # straight pieces that each edge of a stroke is bent in
CHUNK = 100  # images inked at once: what is computed for them stays in the processor's cache
SOFT, SMALLEST = 2.0, 0.1  # as the drawing pad has them
GRID = 4096  # points lie on parts of a pixel: so every machine draws the same
COUNTS, TEST = (2000, 200, 500), 2  # of each letter to train, to choose, to report: the test images


def strokes_of(text: str) -> list[Stroke]:
    """Return strokes written as in `TABLE`, e.g. "15,5 15,90 95,90 | 15,5 90,5"."""
    if not re.fullmatch(rf"{STROKE}(\|{STROKE})*", text):
        known = ", ".join(NAMES)
        raise ValueError(f"no letter ({known}) and no strokes like '9,5 9,90 | ring': {text!r}")
    points = [[point.split(",") for point in part.split()] for part in text.split("|")]
    return [RING if way == [["ring"]] else [(int(x), int(y)) for x, y in way] for way in points]


ROWS = [line.split(maxsplit=2) for line in TABLE.strip().splitlines()]
STROKES = {name: strokes_of(strokes) for name, _, strokes in ROWS}
NAMES = tuple(STROKES)  # a letter's label is its place here


def load_hangul() -> Splits:
    """Return the letters as `load_mnist` returns digits: 28,000, 2,800 and 7,000 images.

    A label is the place of the letter's name in `NAMES`. Drawn in ten seconds, and then kept.
    """
    version = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    kept = cache_folder() / f"hangul-{version}.bytes"
    if not kept.exists():
        drawn = [draw(name, n, part)[0] for part, n in enumerate(COUNTS) for name in NAMES]
        write(kept, torch.cat(drawn).numpy().tobytes())
    images = torch.frombuffer(bytearray(kept.read_bytes()), dtype=torch.uint8).view(-1, SIDE, SIDE)
    labels = [torch.arange(len(NAMES)).repeat_interleave(n) for n in COUNTS]
    return Splits(*map(Digits, images.split([len(part) for part in labels]), labels))


def draw(letter: str, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw a letter again and again, each time by another unsteady hand.

    letter: a name of `NAMES`, or strokes of your own, written as in `TABLE`.
    Returns the images, uint8 (count, 28, 28), and how much of each pixel each stroke covers,
    uint8 (count, strokes, 28, 28): a pixel is as dark as its darkest stroke.
    """
    strokes = STROKES.get(letter) or strokes_of(letter)
    if not all(isinstance(n, int) and n >= least for n, least in ((count, 1), (seed, 0))):
        raise ValueError(f"count is 1 or more, seed 0 or more: got {count!r} and {seed!r}")
    # A letter has random numbers of its own.
    rng = np.random.default_rng([seed, (*NAMES, letter).index(letter)])
    paths, pens = _by_hand(strokes, count, rng), rng.uniform(1.9, 3.3, count)
    parts = [slice(start, start + CHUNK) for start in range(0, count, CHUNK)]
    chunks = [_prepared([path[part] for path in paths], pens[part]) for part in parts]
    covers = (255 * torch.cat(chunks)).round().byte()
    return covers.amax(1), covers


def neat(letter: str) -> Tensor:
    """Return how much a steady hand's strokes cover, float32 (strokes, 28, 28); see `draw`."""
    strokes = STROKES.get(letter) or strokes_of(letter)
    return _prepared([np.asarray(stroke)[None] / 100 for stroke in strokes], np.array([PEN]))[0]


def _by_hand(strokes: Sequence[Stroke], count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the strokes as `count` unsteady hands draw them, each (count, points, 2)."""
    paths = []
    for stroke in strokes:
        # A ring's many points are no corners: shaken one by one they would make a saw.
        parts, shake = (PARTS, 0.04) if len(stroke) < 10 else (1, 0.0)
        corners = np.asarray(stroke)[None] / 100 - 0.5 + rng.normal(0, 0.05, (count, 1, 2))
        corners = corners + shake * rng.normal(0, 1, (count, len(stroke), 2))
        share = np.arange(parts)[:, None] / parts
        edges = corners[:, :-1, None] * (1 - share) + corners[:, 1:, None] * share
        paths.append(np.concatenate([edges.reshape(count, -1, 2), corners[:, -1:]], 1))
    turn, slant, stretch = rng.normal(0, 1, (3, count)) * np.array([[0.1], [0.18], [0.22]])
    cos, sin, wide = np.cos(turn), np.sin(turn), np.exp(stretch / 2)
    # First slanted and stretched, then turned.
    hand = [[cos * wide, cos * slant - sin / wide], [sin * wide, sin * slant + cos / wide]]
    paths = [np.einsum("ijn,npj->npi", np.array(hand), path) for path in paths]
    for _ in range(3):  # bends shared by all strokes of an image
        angle, phase = rng.uniform(0, 2 * np.pi, (2, count, 1))
        waves, cos, sin = rng.uniform(0.4, 1.1, (count, 1)), np.cos(angle), np.sin(angle)
        for x, y in (np.moveaxis(path, 2, 0) for path in paths):  # views: the paths are bent
            height = 0.06 * np.sin(2 * np.pi * waves * (x * cos + y * sin) + phase)
            x -= height * sin
            y += height * cos
    return paths


def _prepared(paths: list[np.ndarray], pens: np.ndarray) -> Tensor:
    """Ink strokes as the drawing pad does: a box of 20 pixels, then balanced in the middle."""
    low, high = (end(np.concatenate(paths, 1), 1) for end in (np.min, np.max))
    scale = ((BOX - pens) / (high - low).max(1).clip(SMALLEST))[:, None]
    place, pen = SIDE / 2 - scale * (low + high) / 2, torch.from_numpy(pens).float()
    first = _inked(paths, scale, place, pen).amax(1).double()
    # In float64 these sums are exact, in whatever order a machine takes them.
    middle, across, down = torch.arange(SIDE).double() + 0.5, first.sum(1), first.sum(2)
    mass = torch.stack([across @ middle, down @ middle], 1) / across.sum(1, keepdim=True)
    return _inked(paths, scale, place + SIDE / 2 + 0.5 - mass.numpy(), pen)


def _inked(paths: list[np.ndarray], scale: np.ndarray, place: np.ndarray, pen: Tensor) -> Tensor:
    """Return how much of each pixel a round pen covers, (N, strokes, 28, 28) in [0, 1]."""
    middle, covered = torch.arange(SIDE) + 0.5, []
    for path in paths:
        on_grid = np.round(GRID * (path * scale[:, None] + place[:, None])) / GRID
        nearest = torch.full((len(path), SIDE, SIDE), torch.inf)
        for start, end in pairwise(torch.from_numpy(on_grid).float().unbind(1)):
            dx, dy = (end - start).split(1, 1)  # (N, 1) to the end of a straight piece
            right, down = middle - start[:, :1], middle - start[:, 1:]  # (N, 28) to the pixels
            length = (dx.square() + dy.square()).clamp(min=1e-12)
            share = (down * dy / length)[:, :, None] + (right * dx / length)[:, None]
            share.clamp_(0, 1)  # of the way along the piece to where it is nearest
            away = (right[:, None] - share * dx[..., None]).square_()
            away += (down[:, :, None] - share * dy[..., None]).square_()
            torch.minimum(nearest, away, out=nearest)
        covered.append((0.5 + (pen[:, None, None] / 2 - nearest.sqrt_()) / SOFT).clamp_(0, 1))
    return torch.stack(covered, 1)
