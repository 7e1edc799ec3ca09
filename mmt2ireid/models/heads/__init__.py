"""Heads: a method is a set of them on one dual encoder."""

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.heads.cmpc_head import CMPCHead
from mmt2ireid.models.heads.contrastive_head import ContrastiveHead
from mmt2ireid.models.heads.hard_mining_head import HardMiningHead
from mmt2ireid.models.heads.identity_affinity_heads import SimilarityDistributionHead, TripletAlignmentHead
from mmt2ireid.models.heads.identity_head import IdentityHead
from mmt2ireid.models.heads.implicit_reasoning_head import ImplicitReasoningHead
from mmt2ireid.models.heads.label_contrastive_head import LabelContrastiveHead
from mmt2ireid.models.heads.memory_head import MemoryHead
from mmt2ireid.models.heads.mlm_head import MLMHead
from mmt2ireid.models.heads.mutual_teaching_head import MutualTeachingHead
from mmt2ireid.models.heads.pgu_head import PGUHead
from mmt2ireid.models.heads.projection_matching_head import ProjectionMatchingHead
from mmt2ireid.models.heads.ranking_head import RankingHead
from mmt2ireid.models.heads.text_regression_head import TextRegressionHead
from mmt2ireid.models.heads.two_view_head import TwoViewHead

__all__ = [
    'BaseHead',
    'CMPCHead',
    'ContrastiveHead',
    'HardMiningHead',
    'IdentityHead',
    'ImplicitReasoningHead',
    'LabelContrastiveHead',
    'MLMHead',
    'MemoryHead',
    'MutualTeachingHead',
    'PGUHead',
    'ProjectionMatchingHead',
    'RankingHead',
    'SimilarityDistributionHead',
    'TextRegressionHead',
    'TripletAlignmentHead',
    'TwoViewHead',
]
