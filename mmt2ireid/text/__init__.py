"""Captions as token ids and as noun phrases. Free of MMEngine.

transformers, open_clip and NLTK are imported when first needed.
"""

from mmt2ireid.text.phrases import PhraseTable, SynonymTable, build_tagger, noun_phrases, phrase_table
from mmt2ireid.text.text_iou import multi_hot, text_iou
from mmt2ireid.text.tokenizer_base import Tokenizer
from mmt2ireid.text.tokenizers import CLIPTokenizer, HFTokenizer, build_tokenizer, shared_tokenizer
from mmt2ireid.text.word_tokenizer import WordTokenizer

__all__ = [
    'CLIPTokenizer', 'HFTokenizer', 'PhraseTable', 'SynonymTable', 'Tokenizer', 'WordTokenizer', 'build_tagger',
    'build_tokenizer', 'multi_hot', 'noun_phrases', 'phrase_table', 'shared_tokenizer', 'text_iou',
]  # fmt: skip
