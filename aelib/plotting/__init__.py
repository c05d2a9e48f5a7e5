"""One look for all figures of the course.

Every function draws into the Axes that it is given, or makes one, and returns it. Digits are
upright, dark ink on light paper; a digit has the same colour everywhere.

The modules in this folder, by what they show: `style`, which the others share, `images`,
`curves`, `digits`, `checkerboards` and `detectors`. All that they offer stands here, so that
it is `plotting.image_grid` and not `plotting.images.image_grid`.
"""

from aelib.plotting.checkerboards import LOWEST_SCORE, coverage, power_map, score_by_step
from aelib.plotting.curves import error_by_dim, losses, redrawn_points
from aelib.plotting.detectors import roc_curves, score_histogram
from aelib.plotting.digits import (
    bars_per_digit,
    dots_per_digit,
    histograms_per_digit,
    matrix,
    scatter_codes,
    seeds_per_model,
    small_matrix,
)
from aelib.plotting.images import (
    decoded_plane,
    error_grid,
    image_grid,
    montage,
    signed_grid,
    stretched,
)
from aelib.plotting.style import (
    DIGIT_COLORS,
    MEAN_COLOR,
    MODEL_COLOR,
    PCA_COLOR,
    axes_or_new,
    figure_of,
    figure_png,
    panels,
    small_png,
    use_style,
)

__all__ = [
    "DIGIT_COLORS",
    "LOWEST_SCORE",
    "MEAN_COLOR",
    "MODEL_COLOR",
    "PCA_COLOR",
    "axes_or_new",
    "bars_per_digit",
    "coverage",
    "decoded_plane",
    "dots_per_digit",
    "error_by_dim",
    "error_grid",
    "figure_of",
    "figure_png",
    "histograms_per_digit",
    "image_grid",
    "losses",
    "matrix",
    "montage",
    "panels",
    "power_map",
    "redrawn_points",
    "roc_curves",
    "scatter_codes",
    "score_by_step",
    "score_histogram",
    "seeds_per_model",
    "signed_grid",
    "small_matrix",
    "small_png",
    "stretched",
    "use_style",
]
