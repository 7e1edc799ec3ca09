"""Pseudo-texts for unlabelled persons (UniPT, section 3).

``divide`` a person into attributes, ``conquer`` them image by image with CLIP, ``combine`` what was found into
captions. ``sources`` are where images come from, ``generation`` makes and stores the captions of millions of them;
``analysis`` and ``defects`` look at caption files, ours and foreign ones.
"""

from mmt2ireid.pseudo_text.combine.composer import CaptionComposer
from mmt2ireid.pseudo_text.combine.synonyms import Synonyms, load_synonyms
from mmt2ireid.pseudo_text.combine.templates import Templates, load_templates
from mmt2ireid.pseudo_text.conquer.choices import Choices, choose_attributes
from mmt2ireid.pseudo_text.conquer.clip_scorer import CLIPScorer
from mmt2ireid.pseudo_text.conquer.matcher import PromptMatcher
from mmt2ireid.pseudo_text.conquer.scorer import AttributeScorer, FeatureScorer, load_scorer
from mmt2ireid.pseudo_text.defects import DEFECT_KINDS, defect_kind, find_defects
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue, load_catalogue
from mmt2ireid.pseudo_text.generation.generator import PseudoTextGenerator
from mmt2ireid.pseudo_text.generation.generator_options import GeneratorOptions
from mmt2ireid.pseudo_text.sources.opening import open_source

__all__ = [
    'DEFECT_KINDS', 'Attribute', 'AttributeScorer', 'CLIPScorer', 'CaptionComposer', 'Catalogue', 'Choices',
    'FeatureScorer', 'GeneratorOptions', 'PromptMatcher', 'PseudoTextGenerator', 'Synonyms', 'Templates',
    'choose_attributes', 'defect_kind', 'find_defects', 'load_catalogue', 'load_scorer', 'load_synonyms',
    'load_templates', 'open_source',
]  # fmt: skip
