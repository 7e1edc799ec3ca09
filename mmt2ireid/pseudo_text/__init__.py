"""Pseudo-texts for unlabelled persons (UniPT, section 3): divide, conquer, combine."""

from mmt2ireid.pseudo_text.catalogue import Attribute, Catalogue, load_catalogue
from mmt2ireid.pseudo_text.composer import CaptionComposer
from mmt2ireid.pseudo_text.synonyms import Synonyms, load_synonyms
from mmt2ireid.pseudo_text.templates import Templates, load_templates

__all__ = [
    'Attribute', 'CaptionComposer', 'Catalogue', 'Synonyms', 'Templates', 'load_catalogue', 'load_synonyms',
    'load_templates',
]  # fmt: skip
