"""Transforms of persons and captions; resize, flip, crop and erase come from mmcv and mmpretrain."""

from mmt2ireid.datasets.transforms.augment_tokens import AugmentTokens
from mmt2ireid.datasets.transforms.delete_words import DeleteWords
from mmt2ireid.datasets.transforms.erasing import TorchvisionErasing
from mmt2ireid.datasets.transforms.extra_views import ExtraViews
from mmt2ireid.datasets.transforms.load_image import LoadPersonImage
from mmt2ireid.datasets.transforms.other_wordings import OtherWordings
from mmt2ireid.datasets.transforms.pack import PackPersonInputs
from mmt2ireid.datasets.transforms.text import MaskTokens, Tokenize

__all__ = [
    'AugmentTokens',
    'DeleteWords',
    'ExtraViews',
    'LoadPersonImage',
    'MaskTokens',
    'OtherWordings',
    'PackPersonInputs',
    'Tokenize',
    'TorchvisionErasing',
]
