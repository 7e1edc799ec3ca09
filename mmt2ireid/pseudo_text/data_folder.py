"""Where the catalogue, the templates and the synonyms of this project lie."""

from pathlib import Path

DATA = Path(__file__).parent / 'data'
