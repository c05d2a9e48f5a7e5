"""What a view shows where no script runs: a picture by its own models, and the same in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from aelib import charts, checkerboards, detection, hangul, metrics, plotting, zoo
from aelib.data import DIGITS
from aelib.explorer import payload

ENDS = (nn.Identity, nn.ReLU, nn.Unflatten, nn.Sigmoid)  # after which maps are shown
SIZES = (0, 2, 4, 8, 32)  # of codes; more rows say no more
LEARNERS = {  # by the set-up of the view "train": a network so trained, and what it draws
    "setup=range": ("original/transpose/2", "in the wrong range", "pale, thin strokes or nothing"),
    "setup=zeros": ("digit/0", "that sees zeros alone", "something round or a smear"),
    "setup=grid": ("up/transpose/16", "with sixteen numbers", "the digits"),
}
LEARNER = ("latent/2", "with two numbers", "blurred digits")


@plt.style.context(plotting.STYLE)
def still_of(view: str, names: Sequence[str], state: str = "") -> tuple[bytes, str]:
    """Return a PNG of a view that offers the models `names`, and the same in words."""
    match view:
        case "draw":
            return _pca_grid({}, (0, 2, 8, 32)), (
                "Ten test digits, and what PCA draws of them with 0, 2, 8 and 32 numbers: with 0 "
                "always the mean image, with 32 nearly the digits."
            )
        case "plane":
            codes, labels = payload.plane()
            return plotting.small_png(charts.scatter_codes(codes, labels)), (
                f"The codes of {len(labels):,} test digits in the plane, one colour a digit."
            )
        case "alarms":
            return _alarms()
        case "train":
            name, which, after = LEARNERS.get(state, LEARNER)
            untrained = metrics.reconstruct(zoo.untrained(name), examples())
            return _grid({"untrained": untrained, "trained": _drawn(name)}), (
                f"Ten test digits, and what a network {which} draws of them: grey before it is "
                f"trained, and {after} after it."
            )
        case "machine":
            return _machine(f"latent/{payload.dims_of(names)[-1]}")
        case "stamp":
            line, square = plotting.panels(2, (6.4, 2.6), gridspec_kw={"width_ratios": (2, 1)})
            counts = checkerboards.coverage(5, 3, 2)
            charts.coverage(counts, line)
            charts.coverage(torch.outer(counts, counts), square)
            return plotting.small_png(line), (
                "How many stamps of a kernel of 3 with stride 2 cover each pixel: along a line one "
                "and two by turns, in two dimensions one, two and four."
            )
        case "letters":
            drawn = torch.cat([of[:1].amax(1, keepdim=True) for of in payload.letters()])
            knows = {f"knows {n.partition('/')[2]}": payload.model(n) for n in names}
            rows = {knows_: metrics.reconstruct(model, drawn) for knows_, model in knows.items()}
            shown = plotting.image_grid({"a letter": drawn / 255, **rows}, hangul.NAMES)
            return plotting.small_png(shown, 48), (
                "The fourteen letters, and what the models of giyeok, nieun, mieum, siot and ieung "
                "draw of them: mostly the strokes that they know; an added bar is pale or gone."
            )
        case "decoders":
            d = names[0].rpartition("/")[2]
            rows = {name.split("/")[1]: _drawn(name) for name in names if name.endswith(f"/{d}")}
            return _grid(rows), (
                f"Ten test digits, and what six autoencoders with {d} numbers draw of them, which "
                "differ in how their decoders up-sample."
            )
    dims = payload.dims_of(names)
    if len(dims) > len(SIZES):
        dims = [d for d in dims if d in SIZES] or dims
    listed = ", ".join(map(str, dims[:-1])) + " and " * (len(dims) > 1) + str(dims[-1])
    return _pca_grid({f"d = {d}": _drawn(f"latent/{d}") for d in dims}, (2, 8, 32)), (
        f"Ten test digits, and what the autoencoders with {listed} numbers draw of them: the more "
        "numbers, the more like the digit; with 0 it would always be the mean image. Below, PCA "
        "with 2, 8 and 32: blurred, with 32 nearly the digits."
    )


def examples() -> Tensor:
    """Return the first test image of each digit, (10, 1, 28, 28)."""
    test = payload.splits().test
    return test[test.first_of_each()].floats()


def _drawn(name: str) -> Tensor:
    return metrics.reconstruct(payload.model(name), examples())


def _grid(rows: Mapping[str, Tensor]) -> bytes:
    rows = {"a test digit": examples(), **rows}
    return plotting.small_png(plotting.image_grid(rows, [str(k) for k in DIGITS]), 48)


def _pca_grid(rows: Mapping[str, Tensor], sizes: Sequence[int]) -> bytes:
    pca = {k: payload.linear().reconstruct(examples(), k).clamp(0, 1) for k in sizes}
    return _grid({**rows, **{f"PCA, {k}": drawn for k, drawn in pca.items()}})


def _machine(name: str) -> tuple[bytes, str]:
    """A test digit's way through a network: the maps of each layer, and the code as bars."""
    x, model, shown = examples()[2:3], payload.model(name), []
    with torch.no_grad():
        for layer in [nn.Identity(), *model.encoder, *model.decoder]:
            x = layer(x)
            if layer is model.encoder[-1]:
                shown.append(x)
            # After a ReLU, or as the picture that it is; numbers in a row say nothing here.
            elif x.ndim == 4 and isinstance(
                layer, nn.ReLU | nn.Sigmoid | nn.Unflatten | nn.Identity
            ):
                shown.append(x[0] / x.max())
    code, widths = shown[4], (1, 0.9, 0.5, 0.55, 0.7, 0.55, 0.5, 0.9, 1)
    axes = plotting.panels(9, (9.6, 2.6), gridspec_kw={"width_ratios": widths})
    titles = ["a test digit", "8 maps", "16 maps", "32 maps", "the code"]
    for ax, maps, title in zip(axes, shown, [*titles, *titles[3:0:-1], "the drawing"], strict=True):
        ax.set_title(title, fontsize=9)
        ax.axis("off")
        if maps is code:
            ax.barh(range(code.numel()), code[0].tolist(), color="#2f66c9")
            ax.invert_yaxis()
            continue
        columns = {8: 2, 16: 2, 32: 4}.get(len(maps), 1)
        padded = nn.functional.pad(maps, (0, 1, 0, 1), value=0.15)
        tiled = padded.view(-1, columns, *padded.shape[1:]).permute(0, 2, 1, 3)
        joined = tiled.reshape(-1, columns * padded.shape[-1])[:-1, :-1].numpy()
        ax.imshow(joined, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    return plotting.small_png(axes[0]), (
        f"A test digit 2 on its way through an autoencoder with {code.numel()} numbers: 8, 16 and "
        "32 maps, smaller and smaller, the code as bars, and back through 32, 16 and 8 maps to "
        "the drawing."
    )


def _alarms() -> tuple[bytes, str]:
    seven, score = examples()[7:8], "blurred share"
    drawn = torch.cat([_drawn(f"digit/{k}")[7:8] for k in DIGITS])
    strange = detection.anomaly_scores(drawn, seven.expand_as(drawn))[score]
    limits = [zoo.record(f"digit/{k}")["detector"][score]["threshold"] for k in DIGITS]
    calm = [str(k) for k in DIGITS if strange[k] <= limits[k]]
    columns = ["input", *(f"{k}\n{'passes' if str(k) in calm else 'flags'}" for k in DIGITS)]
    above, below = plotting.panels(2, (8.4, 1.9), rows=2)
    plotting.image_grid({"drawn by model": torch.cat([seven, drawn])}, columns, ax=above)
    # Beside the input there is no error.
    plotting.error_grid({"error": torch.cat([seven, drawn]) - seven}, ax=below)
    return plotting.small_png(above), (
        "A 7, what each of the ten one-digit models draws of it, and the error maps. By the "
        f"blurred share it passes as normal for model {' and '.join(calm)}; the others flag it."
    )
