"""Losses: each a pure function and a thin registered module around it."""

from mmt2ireid.models.losses.contrastive import ContrastiveLoss, contrastive_loss
from mmt2ireid.models.losses.identity import IdentityLoss, identity_loss
from mmt2ireid.models.losses.mlm import MLMLoss, mlm_loss
from mmt2ireid.models.losses.ranking import RankingLoss, ranking_loss

__all__ = [
    'ContrastiveLoss',
    'IdentityLoss',
    'MLMLoss',
    'RankingLoss',
    'contrastive_loss',
    'identity_loss',
    'mlm_loss',
    'ranking_loss',
]
