"""A small toy world with checkpoints of random weights, for the tests of reports."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'test_engine'))

from crash_runs import load_tool  # noqa: E402
from report_names import CHECKPOINTS, CONFIG  # noqa: E402


@pytest.fixture(scope='session')
def toy_world(tmp_path_factory):
    """data/toy_pedes of few persons, and checkpoints of random weights: two seeds, two epochs each."""
    folder = tmp_path_factory.mktemp('toy')
    import torch
    from mmengine.config import Config

    from mmt2ireid.apis import get_model
    from mmt2ireid.datasets.toy import ToyOptions, make_toy_pedes

    options = ToyOptions(train_ids=4, val_ids=4, test_ids=6, images_per_id=3, pool=2, second_ids=5)
    make_toy_pedes(folder / 'data' / 'toy_pedes', options, workers=0, progress=False)
    here = os.getcwd()
    os.chdir(folder)
    try:
        cfg = Config.fromfile(CONFIG)
        for number, name in enumerate(CHECKPOINTS):
            torch.manual_seed(number)
            path = folder / f'{name}.pth'
            path.parent.mkdir(exist_ok=True)
            meta = dict(epoch=int(name[-1]), seed=int(name[4]))
            torch.save(dict(state_dict=get_model(cfg).state_dict(), meta=meta), path)
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def tool(toy_world, monkeypatch, capsys):
    from mmengine.runner import runner

    monkeypatch.chdir(toy_world)
    monkeypatch.setattr(runner, 'collect_env', dict)
    monkeypatch.setenv('LOCAL_RANK', '0')

    def call(name, *arguments):
        load_tool(name).main([*map(str, arguments), '--work-dir', 'w', '--cfg-options', 'log_level=ERROR'])
        return capsys.readouterr().out

    return call
