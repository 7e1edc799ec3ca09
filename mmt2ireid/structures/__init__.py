"""What travels between the rooms of the house.

Shape notation, used in every docstring:
    B   images (= pairs in training) in a batch
    M   captions in a batch; M = B in training, any number per image in evaluation
    N   image tokens; L text tokens, padded to the longest caption of the batch
    D   width of the common embedding; D_i, D_t widths of the image and text encoder
    P   masked tokens in a batch
    C   identities; K prototypes (parts) of the PGU
"""

from mmt2ireid.structures.features import EncoderOutput, MaskedText, PairFeatures, PairInputs, PairTargets
from mmt2ireid.structures.person_sample import PersonSample

__all__ = ['EncoderOutput', 'MaskedText', 'PairFeatures', 'PairInputs', 'PairTargets', 'PersonSample']
