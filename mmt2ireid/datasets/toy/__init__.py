"""ToyPEDES: small drawn pedestrians with captions, for tests, ablations and the quickstart on a CPU.

Three domains, each with its own cameras and its own manner of speaking: ``main`` is the labelled set, ``pool`` are
unlabelled persons for pre-training, ``second`` is another labelled set for evaluation across domains. The folder that
:func:`make_toy_pedes` writes holds ``reid_raw.json`` and ``imgs/`` (``main``) and ``second/`` in the layout of
CUHK-PEDES, ``pool/`` in the layout of LUPerson-T's source (paths are relative to ``imgs/`` everywhere), a vocabulary
for BERT in ``tokenizer/``, and the true attributes of all pictures in ``attributes.json``, meant for scoring only.
"""

from mmt2ireid.datasets.toy.attributes import ATTRIBUTES, Garment, Person, Shot, Thing, attributes_of
from mmt2ireid.datasets.toy.camera import CAMERAS, Camera, draw_person
from mmt2ireid.datasets.toy.captions import write_captions
from mmt2ireid.datasets.toy.sheet import make_contact_sheet
from mmt2ireid.datasets.toy.vocabulary import VOCAB_SIZE
from mmt2ireid.datasets.toy.world import ToyOptions
from mmt2ireid.datasets.toy.writer import make_toy_pedes

__all__ = [
    'ATTRIBUTES', 'CAMERAS', 'VOCAB_SIZE', 'Camera', 'Garment', 'Person', 'Shot', 'Thing', 'ToyOptions',
    'attributes_of', 'draw_person', 'make_contact_sheet', 'make_toy_pedes', 'write_captions',
]  # fmt: skip
