"""Captions as token ids. Free of MMEngine; transformers and open_clip are imported when first needed."""

from mmt2ireid.text.tokenizer_base import Tokenizer
from mmt2ireid.text.tokenizers import CLIPTokenizer, HFTokenizer, build_tokenizer, shared_tokenizer
from mmt2ireid.text.word_tokenizer import WordTokenizer

__all__ = ['CLIPTokenizer', 'HFTokenizer', 'Tokenizer', 'WordTokenizer', 'build_tokenizer', 'shared_tokenizer']
