"""The look of all figures: printed size, legible type, colours that everyone can tell apart.

The style is Python rather than a style file so that the code key covers it: a changed colour
redraws the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from relu_optima.publish.frames import ProductError

# Text width of the venue's style file in inches.
WIDTHS = {"icml_column": 3.25, "icml_text": 6.75, "neurips_text": 5.5, "jmlr_text": 6.0}

SMALL = 7.0  # points; the smallest type anywhere
LABEL = 8.0

# Okabe & Ito's palette without its yellow, which is too pale for lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "h")
LINES = ("-", "--", "-.", (0, (1, 1.2)), (0, (5, 1, 1, 1, 1, 1)))
NEUTRAL = "#6e6e6e"
# Verdicts keep their colour in every figure; closed/always is blue, its opposite vermilion.
FIXED_COLOURS = {
    "closed": "#0072B2",
    "always": "#0072B2",
    "not_closed": "#D55E00",
    "not_always": "#D55E00",
    "unknown": "#BBBBBB",
    "ok": "#009E73",
    "optimal": "#009E73",
    "bounded": "#0072B2",
    "growing": "#D55E00",
    "diverged": "#7A2E00",
}

STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "font.size": LABEL,
    "axes.labelsize": LABEL,
    "axes.titlesize": LABEL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "figure.labelsize": SMALL,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.use_mathtext": False,  # its exponents are smaller than the smallest type
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.2,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "savefig.bbox": None,
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "pdf.compression": 6,
    "svg.hashsalt": "relu-optima",
    "path.simplify": True,
}


@dataclass(frozen=True)
class LineStyle:
    """How one level of the hue column is drawn: three cues, any one of which tells it apart."""

    colour: Any
    marker: str
    line: Any
    index: int = 0


@contextmanager
def publication_style() -> Iterator[None]:
    """Draw in the project's style, whatever the user's own settings are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for key, value in STYLE.items():
            matplotlib.rcParams[key] = value  # type: ignore[index]
        yield


def line_styles(levels: Sequence[Any]) -> list[LineStyle]:
    """Choose a style for each level of a column."""
    count = len(levels)
    numeric = count > 2 and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in levels
    )
    if numeric:
        import matplotlib

        shades = matplotlib.colormaps["cividis"]
        # the palest end is left out: it fades on white
        colours: Sequence[Any] = [shades(0.85 * i / (count - 1)) for i in range(count)]
    elif count > len(COLOURS):
        raise ProductError(
            f"{count} lines cannot be told apart",
            where="hue",
            allowed=f"at most {len(COLOURS)} values that are not numbers",
            fix="use panels, or select with `where`",
        )
    else:
        colours = [FIXED_COLOURS.get(str(v), c) for v, c in zip(levels, COLOURS, strict=False)]
        if len(set(colours)) < count:
            colours = COLOURS[:count]
    return [
        LineStyle(colours[i], MARKERS[i % len(MARKERS)], LINES[i % len(LINES)], i)
        for i in range(count)
    ]
