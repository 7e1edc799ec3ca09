"""What users call from Python."""

from mmt2ireid.apis.model_zoo import find_config, get_model

__all__ = ['find_config', 'get_model']
