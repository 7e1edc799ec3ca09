"""The doctor: what is wrong with a download, and what to do."""

from mmt2ireid.datasets.doctor.check import check_dataset
from mmt2ireid.datasets.doctor.findings import KINDS, Finding
from mmt2ireid.datasets.doctor.releases import RELEASES, Counts, Release, find_release
from mmt2ireid.datasets.doctor.report import Report

__all__ = ['KINDS', 'RELEASES', 'Counts', 'Finding', 'Release', 'Report', 'check_dataset', 'find_release']
