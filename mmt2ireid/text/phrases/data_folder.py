"""Where the lexicon, the lemmas and the synonyms of this room lie."""

from pathlib import Path

DATA = Path(__file__).parents[1] / 'data'
