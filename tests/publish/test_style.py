"""Colours that stay apart for colour-blind readers, on paper and in grey."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from relu_optima.publish.frames import ProductError
from relu_optima.publish.style import COLOURS, FIXED_COLOURS, line_styles

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for simulation
# of color vision deficiency", IEEE TVCG 15(6), 2009: severity 1.0, linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(colour, matrix):
    """Return CIE L*a*b* (D65) of a colour as seen with a deficiency."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(matrix) @ linear, 0, 1)
    to_xyz = [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
    xyz = np.asarray(to_xyz) @ linear / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("name", DEFICIENCIES)
def test_colours_are_told_apart_with_every_deficiency(name):
    seen = [lab(c, DEFICIENCIES[name]) for c in COLOURS]
    # 10 is far above the just noticeable difference of about 2.3
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 10


@pytest.mark.parametrize("name", DEFICIENCIES)
def test_opposite_verdicts_are_told_apart(name):
    closed, not_closed, unknown = (
        lab(FIXED_COLOURS[v], DEFICIENCIES[name]) for v in ("closed", "not_closed", "unknown")
    )
    for a, b in itertools.combinations((closed, not_closed, unknown), 2):
        assert np.linalg.norm(a - b) > 20


def test_lines_differ_in_marker_too_and_too_many_are_refused():
    styles = line_styles([f"m{i}" for i in range(len(COLOURS))])
    assert len({s.marker for s in styles}) == len(styles)
    assert len({s.colour for s in styles}) == len(styles)
    with pytest.raises(ProductError, match="cannot be told apart"):
        line_styles([f"m{i}" for i in range(len(COLOURS) + 1)])


def test_numbers_get_shades_in_their_order():
    light = [lab(s.colour, np.eye(3))[0] for s in line_styles([0.1, 0.2, 0.5, 1.0])]
    assert light == sorted(light)
    assert light[-1] < 85  # visible on white
