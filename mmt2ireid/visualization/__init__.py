"""Pictures of what a model finds."""

from mmt2ireid.visualization.ranked_strip import (
    StripRow,
    StripStyle,
    draw_ranked_strip,
    draw_ranked_strips,
    picture_format,
)
from mmt2ireid.visualization.saved_features import SavedFeatures, ranked_strip_from_features, select_rows

__all__ = [
    'SavedFeatures',
    'StripRow',
    'StripStyle',
    'draw_ranked_strip',
    'draw_ranked_strips',
    'picture_format',
    'ranked_strip_from_features',
    'select_rows',
]
