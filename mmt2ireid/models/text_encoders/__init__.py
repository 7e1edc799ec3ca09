"""Text encoders: token ids in, :class:`~mmt2ireid.structures.EncoderOutput` out."""

from mmt2ireid.models.text_encoders.bert import BertTextEncoder
from mmt2ireid.models.text_encoders.bilstm import BiLSTMTextEncoder
from mmt2ireid.models.text_encoders.open_clip_text import OpenCLIPTextEncoder

__all__ = ['BertTextEncoder', 'BiLSTMTextEncoder', 'OpenCLIPTextEncoder']
