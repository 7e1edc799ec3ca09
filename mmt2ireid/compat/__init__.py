"""Every patch of a dependency, each with the upstream version that retires it.

:func:`install` runs with ``import mmt2ireid`` and costs no heavy import; what belongs to a heavy library is patched by
the room that uses it (``engine`` and ``models`` call :func:`patch_checkpoint_loader`, ``models`` and ``datasets`` call
:func:`patch_mmpretrain`).
"""

from __future__ import annotations

import sys

from mmt2ireid.compat.checkpoints import UNSAFE_LOAD, load_from_http, load_from_local, patch_checkpoint_loader
from mmt2ireid.compat.config_text import read_config_text
from mmt2ireid.compat.devices import use_device
from mmt2ireid.compat.files import TEMP_FILE, patch_file_client, patch_local_backend, write_atomically
from mmt2ireid.compat.mmpretrain import any_number_of_windows, patch_mmpretrain
from mmt2ireid.compat.processes import end_with_launcher, end_with_parent, worker_pool
from mmt2ireid.compat.servers import import_milvus_lite, keep_log_files

__all__ = [
    'TEMP_FILE',
    'UNSAFE_LOAD',
    'any_number_of_windows',
    'end_with_launcher',
    'end_with_parent',
    'import_milvus_lite',
    'install',
    'keep_log_files',
    'load_from_http',
    'load_from_local',
    'patch_checkpoint_loader',
    'patch_file_client',
    'patch_local_backend',
    'patch_mmpretrain',
    'read_config_text',
    'use_device',
    'worker_pool',
    'write_atomically',
]


def install() -> None:
    """Applies the patches that cost no heavy import; may be called any number of times."""
    patch_local_backend()
    patch_file_client()
    if 'mmengine.runner.checkpoint' in sys.modules:
        patch_checkpoint_loader()
