"""Text encoders: token ids in, :class:`~mmt2ireid.structures.EncoderOutput` out."""

from mmt2ireid.models.text_encoders.bert import BertTextEncoder

__all__ = ['BertTextEncoder']
