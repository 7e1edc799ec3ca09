"""Reports: a folder of figures, tables and pictures about one or several checkpoints."""

from mmt2ireid.apis.report.checkpoints import Checkpoint, identify
from mmt2ireid.apis.report.cross_dataset import TestSet, Trained, report_cross_dataset
from mmt2ireid.apis.report.evaluation import report_evaluation
from mmt2ireid.apis.report.selection import report_selection

__all__ = [
    'Checkpoint',
    'TestSet',
    'Trained',
    'identify',
    'report_cross_dataset',
    'report_evaluation',
    'report_selection',
]
