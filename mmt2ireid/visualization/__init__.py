"""Pictures of what a model finds."""

from mmt2ireid.visualization.ranked_strip import (
    StripRow,
    StripStyle,
    draw_ranked_strip,
    draw_ranked_strips,
    picture_format,
)
from mmt2ireid.visualization.result_plots import draw_cmc, draw_similarity_histogram
from mmt2ireid.visualization.result_strips import choose_successes, draw_result_strips, worst_failures
from mmt2ireid.visualization.saved_features import SavedFeatures, ranked_strip_from_features, select_rows
from mmt2ireid.visualization.wandb_backend import WandbBackend

__all__ = [
    'SavedFeatures',
    'StripRow',
    'StripStyle',
    'WandbBackend',
    'choose_successes',
    'draw_cmc',
    'draw_ranked_strip',
    'draw_ranked_strips',
    'draw_result_strips',
    'draw_similarity_histogram',
    'picture_format',
    'ranked_strip_from_features',
    'select_rows',
    'worst_failures',
]
