"""Configs and the page of the data sets say what there is."""

import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmt2ireid.datasets import PersonTextDataset
from mmt2ireid.registry import DATASETS

ROOT = Path(__file__).resolve().parents[2]
BASES = sorted((ROOT / 'configs/_base_/datasets').glob('*.py'))
PAGE = (ROOT / 'docs/datasets.md').read_text()
ROWS = re.findall(r'^\| .*?\| `(\w+)` \| `(\w+)` \|', PAGE, re.MULTILINE)


@pytest.mark.parametrize('path', BASES, ids=lambda path: path.stem)
def test_every_base_builds(path):
    init_default_scope('mmt2ireid')
    cfg = Config.fromfile(path)
    built = {}
    for part in ('train', 'val', 'test'):
        loader = cfg[f'{part}_dataloader']
        if loader is not None:
            built[part] = DATASETS.build(dict(loader.dataset, lazy_init=True))
            assert getattr(built[part], 'unit', 'pair') == ('pair' if part == 'train' else 'image')
            assert (cfg[f'{part}_evaluator'] is not None) if part != 'train' else loader.sampler.shuffle
    assert 'train' in built


def test_the_page_names_every_data_set_and_its_base():
    init_default_scope('mmt2ireid')
    loaders = {
        name: kind
        for name, kind in DATASETS.module_dict.items()
        if issubclass(kind, PersonTextDataset) and kind.__module__.startswith('mmt2ireid.datasets.')
    }
    assert dict(ROWS).keys() == loaders.keys()
    for name, base in ROWS:
        cfg = Config.fromfile(ROOT / f'configs/_base_/datasets/{base}.py')
        assert cfg.train_dataloader.dataset.type == name
        annotation = getattr(loaders[name], 'ANN_FILES', ()) or [loaders[name].ANN_FILE]
        row = next(line for line in PAGE.splitlines() if f'| `{name}` |' in line)
        named = [file in row for file in annotation if name not in ('UFine6926', 'LUPersonT', 'MALS')]
        assert all(named), f'{name}: {annotation}'
