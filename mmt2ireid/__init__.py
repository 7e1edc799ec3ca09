"""mmt2ireid: text-to-image person re-identification in the OpenMMLab family.

Importing the package patches what today's libraries broke (:mod:`mmt2ireid.compat`) and makes the child registries
known to MMEngine. The components themselves are imported by the registries when a config first asks for one.

Where MMEngine is not installed, exported models can still be searched with (``mmt2ireid.apis.search``).
"""

from mmt2ireid import compat
from mmt2ireid.version import __version__

try:
    from mmt2ireid import registry
except ImportError as error:
    if (error.name or '').partition('.')[0] != 'mmengine':
        raise
else:
    compat.install()

__all__ = ['__version__', 'compat', 'registry']
