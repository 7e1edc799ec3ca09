"""Noun phrases of captions, synonym classes, and the phrase ids of a data set (CMMT, METHODS 3.6)."""

from mmt2ireid.text.phrases.embedded_tagger import EmbeddedTagger
from mmt2ireid.text.phrases.extraction import noun_phrases, phrase_table
from mmt2ireid.text.phrases.nltk_tagger import NltkTagger
from mmt2ireid.text.phrases.synonyms import SynonymTable
from mmt2ireid.text.phrases.table import PhraseTable
from mmt2ireid.text.phrases.tagging import Tagger, build_tagger

__all__ = [
    'EmbeddedTagger', 'NltkTagger', 'PhraseTable', 'SynonymTable', 'Tagger', 'build_tagger', 'noun_phrases',
    'phrase_table',
]  # fmt: skip
