"""Losses: each a pure function and a thin registered module around it."""

from mmt2ireid.models.losses.cmpc import CMPCLoss, cmpc_loss
from mmt2ireid.models.losses.contrastive import ContrastiveLoss, contrastive_loss
from mmt2ireid.models.losses.hard_mining import HardMiningLoss, hard_mining_loss
from mmt2ireid.models.losses.identity import IdentityLoss, identity_loss
from mmt2ireid.models.losses.label_contrastive import cyclic_loss, normalized_itc_loss, reversed_itc_loss
from mmt2ireid.models.losses.memory_contrastive import memory_contrastive_loss
from mmt2ireid.models.losses.mlm import MLMLoss, mlm_loss
from mmt2ireid.models.losses.projection_matching import CPMLoss, cpm_loss
from mmt2ireid.models.losses.ranking import RankingLoss, ranking_loss
from mmt2ireid.models.losses.similarity_distribution import SDMLoss, sdm_loss
from mmt2ireid.models.losses.soft_cross_entropy import SoftCrossEntropyLoss, soft_cross_entropy_loss
from mmt2ireid.models.losses.softmax_triplet import (
    SoftmaxTripletLoss,
    soft_softmax_triplet_loss,
    softmax_triplet_loss,
)
from mmt2ireid.models.losses.text_regression import TextRegressionLoss, text_regression_loss
from mmt2ireid.models.losses.triplet_alignment import TALLoss, triplet_alignment_loss
from mmt2ireid.models.losses.two_views import two_view_loss

__all__ = [
    'CMPCLoss',
    'CPMLoss',
    'ContrastiveLoss',
    'HardMiningLoss',
    'IdentityLoss',
    'MLMLoss',
    'RankingLoss',
    'SDMLoss',
    'SoftCrossEntropyLoss',
    'SoftmaxTripletLoss',
    'TALLoss',
    'TextRegressionLoss',
    'cmpc_loss',
    'contrastive_loss',
    'cpm_loss',
    'cyclic_loss',
    'hard_mining_loss',
    'identity_loss',
    'memory_contrastive_loss',
    'mlm_loss',
    'normalized_itc_loss',
    'ranking_loss',
    'reversed_itc_loss',
    'sdm_loss',
    'soft_cross_entropy_loss',
    'soft_softmax_triplet_loss',
    'softmax_triplet_loss',
    'text_regression_loss',
    'triplet_alignment_loss',
    'two_view_loss',
]
