"""Figures of matplotlib as pictures, in the letters of the ranked strips."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from mmt2ireid.visualization.lettering import SERIF

DPI = 200
INK, FAINT = '#1a1a1a', '#6b6b6b'
_LETTERS: Any = {
    'font.family': SERIF,
    'font.size': 15,
    'axes.edgecolor': FAINT,
    'axes.labelcolor': INK,
    'text.color': INK,
    'xtick.color': INK,
    'ytick.color': INK,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'text.parse_math': False,
}


def render_figure(plot: Callable[[Any], None], size: tuple[int, int]) -> Image.Image:
    """Draws one pair of axes, without the global state of pyplot.

    Args:
        plot: draws on the axes it is given.
        size: width and height in pixels.

    Returns:
        An RGB picture on white.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with matplotlib.rc_context(_LETTERS):
        layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08)  # inches
        figure = Figure(figsize=(size[0] / DPI, size[1] / DPI), dpi=DPI, layout=layout)
        canvas = FigureCanvasAgg(figure)
        plot(figure.add_subplot())
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert('RGB')
