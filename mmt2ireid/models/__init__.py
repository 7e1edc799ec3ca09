"""Models: one dual encoder, its parts, heads and losses."""

from mmt2ireid import compat

compat.patch_mmpretrain()

from mmt2ireid.models.clip_towers import OpenCLIPPretrained  # noqa: E402
from mmt2ireid.models.data_preprocessor import PairDataPreprocessor  # noqa: E402
from mmt2ireid.models.dual_encoder import DualEncoder  # noqa: E402
from mmt2ireid.models.heads import BaseHead, ContrastiveHead, IdentityHead, MLMHead, PGUHead, RankingHead  # noqa: E402
from mmt2ireid.models.image_encoders import OpenCLIPImageEncoder  # noqa: E402
from mmt2ireid.models.lora import LoRAEncoder  # noqa: E402
from mmt2ireid.models.losses import ContrastiveLoss, IdentityLoss, MLMLoss, RankingLoss  # noqa: E402
from mmt2ireid.models.mutual_teaching import MutualTeaching  # noqa: E402
from mmt2ireid.models.necks import ConvMaxPoolNeck, GlobalTokenNeck  # noqa: E402
from mmt2ireid.models.text_encoders import BertTextEncoder, OpenCLIPTextEncoder  # noqa: E402
from mmt2ireid.models.weights import BackbonePretrained, HFPretrained, TIMMPretrained  # noqa: E402

__all__ = [
    'BackbonePretrained',
    'BaseHead',
    'BertTextEncoder',
    'ContrastiveHead',
    'ContrastiveLoss',
    'ConvMaxPoolNeck',
    'DualEncoder',
    'GlobalTokenNeck',
    'HFPretrained',
    'IdentityHead',
    'IdentityLoss',
    'LoRAEncoder',
    'MLMHead',
    'MLMLoss',
    'MutualTeaching',
    'OpenCLIPImageEncoder',
    'OpenCLIPPretrained',
    'OpenCLIPTextEncoder',
    'PGUHead',
    'PairDataPreprocessor',
    'RankingHead',
    'RankingLoss',
    'TIMMPretrained',
]
