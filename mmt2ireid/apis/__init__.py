"""What users call from Python."""

from mmt2ireid.apis.model_zoo import find_config, get_model
from mmt2ireid.apis.vocabulary import build_vocabulary, checkpoint_vocabulary, vocabulary_file

__all__ = ['build_vocabulary', 'checkpoint_vocabulary', 'find_config', 'get_model', 'vocabulary_file']
