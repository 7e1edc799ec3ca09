"""How good the features are: ranking maths and the metric that MMEngine's loops call."""

from mmt2ireid.evaluation.curves import cmc_curve, first_ranks
from mmt2ireid.evaluation.feature_file import save_features
from mmt2ireid.evaluation.histogram import SimilarityHistogram, similarity_histogram
from mmt2ireid.evaluation.retrieval import rank_gallery, retrieval_metrics
from mmt2ireid.evaluation.retrieval_metric import RetrievalMetric

__all__ = [
    'RetrievalMetric',
    'SimilarityHistogram',
    'cmc_curve',
    'first_ranks',
    'rank_gallery',
    'retrieval_metrics',
    'save_features',
    'similarity_histogram',
]
