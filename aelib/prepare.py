"""A reader's own picture, prepared as MNIST's makers prepared theirs.

Their digits lie in a box of 20 x 20 pixels, and it in 28 x 28 so that the ink's centre of mass is
in the middle (LeCun et al. 1998, doi:10.1109/5.726791). A photograph holds more than a digit: a
shadow, the table, printed lines, a neighbour's foot. So, from top to bottom: is the paper light,
ink, pieces of it, digits, 28 x 28.
"""

from typing import Any

import numpy as np
import scipy  # whose parts are imported when they are used
import torch
from torch import Tensor

from aelib.tones import shrunk
from aelib.tones import tones as tones_of

SIDE, BOX = 28, 20
PEN = 2.6  # pixels of the 28; MNIST's strokes are about that thick
THIN = 2.0  # pixels; a pen thinner than that makes a stranger of too many digits
FINE = 120  # pixels of a digit's longer side, enough to thicken it by parts of one of the 28
WINDOW = 0.4  # of the height: strokes are thinner, paper is broader
SURE, LIKELY = 0.5, 0.2  # of the strongest ink: what surely is ink, and what may be
JOIN = (0.1, 0.04)  # of a digit's size: how far its pieces reach out, down and across
BLOCK = np.ones((3, 3))  # pixels that touch at a corner belong together, too


def prepare(picture: Any, paper: str | None = None, thicken: bool = True) -> Tensor:
    """Return a picture of one handwritten digit as MNIST has it: float32 (1, 1, 28, 28) in [0, 1].

    picture: a file, its path (~ is the home folder) or its bytes, what ipywidgets' FileUpload
        gives, a PIL image, an array or a tensor, of any size: (H, W), or with 1, 3 (RGB) or 4
        (RGBA) channels first or last. White is 1, 16, 255 or 65535, the first that holds all
        tones; those from -1 to 1 are taken, too. What is transparent is paper.
    paper: "light" or "dark", what the digit is drawn on; None finds out.
    thicken: whether a pen thinner than MNIST's is made as thick, and faint strokes full ink.

    What frames a digit or touches the edge is left out, unless there is nothing else. Raises
    ValueError, which says what to do, for several digits, for none, and for what is no picture.
    """
    images, boxes = cut(picture, paper, thicken)
    if len(boxes) > 1:
        where = [f"({(a + c) // 2}, {(b + d) // 2})" for a, b, c, d in boxes]
        found = f"{len(boxes)} things in this picture, at (x, y) = {', '.join(where[:10])}"
        more = " and so on" if len(boxes) > 10 else ""
        raise ValueError(f"{found}{more}: crop it to one digit, or data.cut it into all of them")
    return images


def cut(picture: Any, paper: str | None = None, thicken: bool = True) -> tuple[Tensor, list]:
    """Return the digits of a picture in reading order, (N, 1, 28, 28), each as `prepare` makes it,
    and their boxes: (left, top, right, bottom) in pixels of the upright picture.
    """
    if paper not in (None, "light", "dark"):
        raise ValueError(f"paper must be 'light', 'dark' or None (find out), got {paper!r}")
    tones, pixel = tones_of(picture)
    digits = _digits(_ink(tones, paper == "light" if paper else _is_light(tones)))
    images = [_placed(_thickened(ink) if thicken else ink) for ink, _, _ in digits]
    ends = [(x, y, x + ink.shape[1], y + ink.shape[0]) for ink, x, y in digits]
    boxes = [tuple(round(pixel * end) for end in box) for box in ends]
    return torch.from_numpy(np.stack(images))[:, None], boxes


def _is_light(tones: np.ndarray) -> bool:
    """Return whether the paper is light. The rim tells, unless it is a table, or half in shadow."""
    small = shrunk(tones, -(-min(tones.shape) // 32))
    light = np.mean(_rim(small) > (small.min() + small.max()) / 2)
    if np.ptp(_rim(small)) < 0.3 * np.ptp(small) and max(tones.shape) > 64:
        inside = (small - np.median(_rim(small))) * (-1 if light > 0.5 else 1)
        thin = inside - scipy.ndimage.grey_opening(inside, (5, 5))  # a sheet is broader, ink is not
        sheet, thin = (part > 0.25 * inside.max() for part in (inside, thin))
        return bool((light > 0.5) != (sheet.mean() > 0.28 and thin[sheet].mean() < 0.45))
    if 0.3 < light < 0.7:  # ink differs from what is around it more than the edge of a shadow
        around = scipy.ndimage.median_filter(small, min(small.shape) // 4 * 2 + 1)
        off = np.log((small + 0.1) / (around + 0.1))
        return bool((off * np.abs(off)).sum() < 0)
    return bool(light > 0.5)


def _rim(array: np.ndarray) -> np.ndarray:
    return np.concatenate([array[0], array[-1], array[:, 0], array[:, -1]])


def _ink(tones: np.ndarray, light: bool) -> np.ndarray:
    """Return how strong the ink is at each pixel: up to 0 it is paper, 1 is the strongest."""
    lit = tones if light else 1 - tones
    # Paper has a brightness at each place: the largest tone around, and then the least of these
    # (closing), fills what is narrower than the window, but keeps slopes and edges of shadows.
    paper = scipy.ndimage.grey_closing(lit, 2 * [max(3, int(WINDOW * len(lit)) // 2 * 2 + 1)])
    # A shadow takes the same share of the paper's light and of the ink's.
    ink = (paper - lit) / (np.maximum(paper, 0.3 * paper.max()) if light else 1)
    least, less, full = np.quantile(ink, (0.02, 0.1, 0.9998))
    noise = less + 4 * (less - least)
    if full - noise < max(0.1, noise):
        span = f"tones from {tones.min():.2f} to {tones.max():.2f}"
        raise ValueError(f"no ink stands out from this paper ({span}): more light, a broader pen?")
    return (ink - noise) / (full - noise)


def _inside(ink: np.ndarray) -> tuple[slice, ...]:
    """Return the part of a picture inside the straight lines along its four sides, if there are."""
    inside = []
    for axis in (1, 0):
        line = (ink > SURE).mean(axis) > 0.8
        eighth = -(-len(line) // 8)
        first, last = np.flatnonzero(line[:eighth]), np.flatnonzero(line[-eighth:])
        if not (first.size and last.size):
            return np.s_[:, :]
        inside.append(slice(first[-1] + 3, len(line) - eighth + last[0] - 2))
    return tuple(inside) if (ink[*inside] > SURE).any(1).sum() > 0.2 * len(ink) else np.s_[:, :]


def _pieces(mask: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the number of each pixel's piece, and of each piece that is no box around others its
    number, size, area, weight, and how much of the edge it covers, in parts of its size.
    """
    regions, count = scipy.ndimage.label(mask, BLOCK)
    areas, weights = (np.bincount(regions.flat, w, count + 1) for w in (None, weight.flat))
    edge = np.bincount(_rim(regions), None, count + 1)
    boxes = scipy.ndimage.find_objects(regions)
    number = 1 + np.argsort(-areas[1:], kind="stable")[:200]  # the others are dust
    ends = np.array([[(side.start, side.stop) for side in boxes[n - 1]] for n in number])
    start, stop = ends[..., 0], ends[..., 1]
    size = (stop - start).max(1)
    spans = ((start == 0) & (stop == mask.shape)).any(1)  # as ruled lines do
    contact = np.maximum(edge[number] / size, spans)
    holds = (start[:, None] < start).all(2) & (stop[:, None] > stop).all(2)
    frame = (holds & (size > 0.05 * size[:, None])).any(1) & (contact == 0)
    for n in np.flatnonzero(frame):  # has it four straight sides?
        own = regions[boxes[number[n] - 1]] == number[n]
        sides = (np.rot90(own, k)[: 1 + size[n] // 16].any(0).mean() for k in range(4))
        frame[n] = min(sides) > 0.85
    found = (number, size, areas[number], weights[number], contact)
    return regions, *(each[~frame] for each in found)


def _digits(ink: np.ndarray) -> list[tuple[np.ndarray, int, int]]:
    """Return the ink of each digit, in reading order, and its left and upper end."""
    rows, columns = _inside(ink)
    ink = ink[rows, columns]
    weight = ink.clip(0) ** 3  # strong ink counts much more than faint
    sure, likely = (_pieces(ink > level, weight) for level in (SURE, LIKELY))
    # Faint ruled lines may tie digits to the edge: then only what surely is ink counts.
    free = [weights[contact == 0].sum() for *_, weights, contact in (sure, likely)]
    regions, number, size, area, weights, contact = likely if free[1] > 0.98 * free[0] else sure
    main = np.argmax(weights / (1 + 100 * contact**2))
    keep = (area > 0.02 * area[main]) & (contact <= contact[main])
    mask = np.isin(regions, number[keep])
    near = scipy.ndimage.maximum_filter(mask, 2 * max(1, size[main] // 100) + 1)
    ink = np.where(near, ink, 0).clip(0)
    # The pieces of a digit lie above each other, another digit lies beside it.
    reach = [2 * max(1, int(part * size[main] + 0.5)) + 1 for part in JOIN]
    zones = scipy.ndimage.label(scipy.ndimage.maximum_filter(mask, reach), BLOCK)[0]
    boxes = scipy.ndimage.find_objects(zones * (ink > 0))
    parts = [np.where(zones[box] == n, ink[box], 0) for n, box in enumerate(boxes, 1)]
    digits, lanes = [], np.zeros(ink.shape, bool)
    for part, (ys, xs) in zip(parts, boxes, strict=True):
        if max(part.shape) < 0.4 * size[main] or (part**3).sum() < 0.05 * weights[main]:
            continue
        third, wide = len(part) // 3, 2 * size[main]
        lanes[ys.start + third : ys.stop - third, max(xs.start - wide, 0) : xs.stop + wide] = True
        part = part / np.quantile(part[part > LIKELY], 0.95)
        digits.append((part.clip(0, 1), xs.start, ys.start))
    lanes = scipy.ndimage.label(lanes)[0]
    digits.sort(key=lambda d: (lanes[d[2] + len(d[0]) // 2, d[1]], d[1]))
    return [(part, (columns.start or 0) + x, (rows.start or 0) + y) for part, x, y in digits]


def _thickened(ink: np.ndarray) -> np.ndarray:
    """Return ink whose pen will be as thick as MNIST's once its box is 20 pixels."""
    ink = shrunk(ink, max(1, max(ink.shape) // (2 * FINE)))
    fine = scipy.ndimage.zoom(ink, max(1, int(FINE / max(ink.shape) + 0.5)), order=1)
    peak = scipy.ndimage.maximum_filter(fine, max(fine.shape) // 10 * 2 + 1)
    mask = fine >= np.maximum(0.5 * peak, 0.15)  # half of the strongest around: faint ink counts
    inside = scipy.ndimage.distance_transform_edt(np.pad(mask, 1))
    thickness = 4 * inside[inside > 0].mean() - 1  # for the mean is a quarter of a stroke's
    if thickness >= THIN * max(fine.shape) / BOX and (peak[mask] < 0.6).mean() < 0.05:
        return ink
    # The box grows with the pen: afterwards so many of these pixels make one of the 28.
    pixel = max(max(fine.shape) - thickness, 1) / (BOX - PEN)
    grow = max(0, (PEN * pixel - thickness) / 2)
    fine, mask = (np.pad(each, int(np.ceil(grow)) + 1) for each in (fine, mask))
    return np.maximum((grow + 1 - scipy.ndimage.distance_transform_edt(~mask)).clip(0, 1), fine)


def _placed(ink: np.ndarray) -> np.ndarray:
    """Return ink on 28 x 28: its longer side 20 pixels, its centre of mass in the middle."""
    if max(ink.shape) < BOX:
        ink = scipy.ndimage.zoom(ink, -(-2 * BOX // max(ink.shape)), order=1)
    pixel, weights = max(ink.shape) / BOX, []
    for length, middle in zip(ink.shape, scipy.ndimage.center_of_mass(ink), strict=True):
        # To the middle of pixel 14 of 0 to 27, where MNIST's centres of mass lie. The window
        # begins at a whole pixel, so that nothing is blurred that has its size already.
        edges = np.floor(middle + 1 - 14.5 * pixel) + pixel * np.arange(SIDE + 1)[:, None]
        at = np.arange(length)
        covered = np.minimum(edges[1:], at + 1) - np.maximum(edges[:-1], at)
        weights.append(covered.clip(0) / pixel)
    return np.float32(weights[0] @ ink @ weights[1].T).clip(0, 1)
