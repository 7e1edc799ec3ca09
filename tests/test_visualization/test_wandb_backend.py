"""Weights & Biases is given the config and the package, whatever lies in the working directory."""

from __future__ import annotations

import io
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from mmengine.config import Config

import mmt2ireid
from mmt2ireid.registry import VISBACKENDS

PACKAGE = Path(mmt2ireid.__file__).parent


class Artifact:
    def __init__(self, name, type):
        self.name, self.type, self.files = name, type, {}

    def new_file(self, name, mode, encoding):
        file = self.files[name] = io.StringIO()
        file.close = lambda: None
        return file


class Run:
    """What the backend calls, with the walk over files that ``log_code`` makes."""

    id = 'r1'

    def __init__(self):
        self.settings, self.artifacts, self.code = {}, [], []
        self.config = SimpleNamespace(update=lambda values, allow_val_change: self.settings.update(values))

    def log_artifact(self, artifact):
        self.artifacts.append(artifact)

    def log_code(self, root='.', name=None, include_fn=None):
        self.code += [path for path in Path(root).rglob('*') if path.is_file() and include_fn(str(path), root)]


@pytest.fixture
def wandb(monkeypatch):
    module = ModuleType('wandb')
    module.__spec__ = ModuleSpec('wandb', None)  # other libraries ask whether it is installed
    module.run, module.Artifact, module.given = Run(), Artifact, {}
    module.init = lambda **kwargs: module.given.update(kwargs)
    monkeypatch.setitem(sys.modules, 'wandb', module)
    return module


def test_the_config_and_the_package_are_logged(wandb, tmp_path, monkeypatch):
    (tmp_path / '.venv').mkdir()
    (tmp_path / '.venv' / 'thousands.py').touch()
    monkeypatch.chdir(tmp_path)
    backend = VISBACKENDS.build(
        dict(type='mmt2ireid.WandbBackend', save_dir=str(tmp_path / 'w'), init_kwargs=dict(project='p'))
    )
    backend.add_config(Config(dict(a=dict(b=3))))
    assert wandb.given == dict(project='p', dir=str(tmp_path / 'w'))
    run = wandb.run
    assert run.settings == dict(a=dict(b=3))
    (artifact,) = run.artifacts
    assert (artifact.name, artifact.type, list(artifact.files)) == ('config-r1', 'config', ['config.py'])
    assert artifact.files['config.py'].getvalue() == 'a = dict(b=3)\n'
    logged = {path.relative_to(PACKAGE).as_posix() for path in run.code}
    assert {'models/dual_encoder.py', 'text/data/synonyms.yaml'} <= logged
    assert not [path for path in logged if '.mim' in path or not path.endswith(('.py', '.yaml'))]
