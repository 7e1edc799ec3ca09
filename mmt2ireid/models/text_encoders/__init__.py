"""Text encoders: token ids in, :class:`~mmt2ireid.structures.EncoderOutput` out."""

from mmt2ireid.models.text_encoders.bert import BertTextEncoder
from mmt2ireid.models.text_encoders.bilstm import BiLSTMTextEncoder

__all__ = ['BertTextEncoder', 'BiLSTMTextEncoder']
