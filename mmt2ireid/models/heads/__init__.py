"""Heads: a method is a set of them on one dual encoder."""

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.heads.contrastive_head import ContrastiveHead
from mmt2ireid.models.heads.identity_head import IdentityHead
from mmt2ireid.models.heads.mlm_head import MLMHead
from mmt2ireid.models.heads.pgu_head import PGUHead
from mmt2ireid.models.heads.ranking_head import RankingHead

__all__ = ['BaseHead', 'ContrastiveHead', 'IdentityHead', 'MLMHead', 'PGUHead', 'RankingHead']
