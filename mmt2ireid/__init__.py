"""mmt2ireid: text-to-image person re-identification in the OpenMMLab family.

Importing the package patches what today's libraries broke (:mod:`mmt2ireid.compat`) and makes the child registries
known to MMEngine. The components themselves are imported by the registries when a config first asks for one.
"""

from mmt2ireid import compat, registry
from mmt2ireid.version import __version__

compat.install()

__all__ = ['__version__', 'compat', 'registry']
