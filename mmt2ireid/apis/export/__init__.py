"""Models as ONNX files that run without torch; the other side is ``mmt2ireid.apis.search.onnx_encoder``."""

from mmt2ireid.apis.export.exporting import ExportReport, export_model
from mmt2ireid.apis.export.parity import Difference, Parity, compare_encoders

__all__ = ['Difference', 'ExportReport', 'Parity', 'compare_encoders', 'export_model']
