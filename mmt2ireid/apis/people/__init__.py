"""People in images and videos, cut out as crops for a gallery."""

from mmt2ireid.apis.people.cropping import CropReport, crop_people
from mmt2ireid.apis.people.detectors import AUTO, HOG, TORCHVISION, load_detector

__all__ = ['AUTO', 'HOG', 'TORCHVISION', 'CropReport', 'crop_people', 'load_detector']
