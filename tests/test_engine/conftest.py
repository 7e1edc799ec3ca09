from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).resolve().parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from tiny_config import tiny_config  # noqa: E402


@pytest.fixture
def make_cfg(tmp_path, monkeypatch):
    """Builds configs of the tiny parts, without MMEngine's survey of the machine, which takes seconds."""
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)

    def make(**changes):
        return tiny_config(changes.pop('work_dir', tmp_path / 'work'), **changes)

    return make
