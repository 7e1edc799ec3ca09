"""What a run does with several sets joined into one."""

import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.runner import BaseLoop
from torch import nn

from mmt2ireid.datasets import CUHKPEDES, LUPersonT, WeightedConcat
from mmt2ireid.engine.hooks import ClusteringHook, IdentityCountHook, NounPhraseHook, SkippedImagesHook
from mmt2ireid.engine.hooks.training_features import _first_captions


def make_set(root, kind=CUHKPEDES, num_ids=3, **kwargs):
    (root / 'imgs').mkdir(parents=True)
    records = []
    for pid in range(1, num_ids + 1):
        path = f'{pid}.png'
        cv2.imwrite(str(root / 'imgs' / path), np.zeros((8, 4, 3), dtype=np.uint8))
        records.append({'split': 'train', 'captions': [f'man {pid}', 'a man'], 'file_path': path, 'id': pid})
    (root / 'reid_raw.json').write_text(json.dumps(records))
    return kind(data_root=str(root), ann_file='reid_raw.json', data_prefix=dict(img_path='imgs'), **kwargs)


@pytest.fixture
def joined(tmp_path):
    return WeightedConcat([make_set(tmp_path / 'a'), make_set(tmp_path / 'b', num_ids=4)], (1, 0.5))


class Loop(BaseLoop):
    def __init__(self):
        pass

    def run(self):
        pass


def runner_of(dataset, num_classes=7):
    head = nn.Linear(2, 2)
    head.num_classes = num_classes
    model = nn.ModuleDict(dict(heads=nn.ModuleDict(dict(id=head))))
    said = []
    logger = SimpleNamespace(warning=said.append, info=said.append)
    return SimpleNamespace(model=model, train_dataloader=SimpleNamespace(dataset=dataset), logger=logger), said


def test_classes_are_the_identities_of_all_sets(joined, tmp_path):
    runner, said = runner_of(joined)
    IdentityCountHook().before_train(runner)
    assert not said
    with pytest.raises(ValueError, match=r'heads.id.num_classes must be 7'):
        IdentityCountHook().before_train(runner_of(joined, 6)[0])
    mixed = WeightedConcat([*joined.datasets, make_set(tmp_path / 'c', LUPersonT)])
    with pytest.raises(ValueError, match=r'heads.id must be trained on a set with identities'):
        IdentityCountHook().before_train(runner_of(mixed)[0])


def test_skipped_pictures_of_all_sets_are_counted(tmp_path):
    load = dict(pipeline=[dict(type='mmt2ireid.LoadPersonImage')], on_bad_image='skip')
    sets = [make_set(tmp_path / name, **load) for name in 'ab']
    for name in 'ab':
        (tmp_path / name / 'imgs' / '2.png').unlink()
    dataset = WeightedConcat(sets)
    assert [dataset[number]['sample_idx'] for number in (2, 8)] == [4, 10]
    runner, said = runner_of(dataset)
    SkippedImagesHook().after_train(runner)
    assert said == ['2 unreadable images were skipped in this run (an item counts each time it is drawn)']


def test_what_numbers_the_images_of_one_set_refuses(joined, tmp_path):
    message = 'memories and their clustering must be trained on one person-text dataset.*CUHK-PEDES, CUHK-PEDES'
    with pytest.raises(ValueError, match=message):
        _first_captions(make_set(tmp_path / 'c', unit='image'), joined)
    head = SimpleNamespace(set_sizes=None)
    runner = SimpleNamespace(
        _train_loop=Loop(),
        model=SimpleNamespace(heads=dict(memory=head)),
        train_dataloader=SimpleNamespace(dataset=joined),
    )
    with pytest.raises(ValueError, match=message):
        ClusteringHook(dataloader={}, head='memory').before_run(runner)


def test_noun_phrases_are_of_one_set(joined):
    runner, _ = runner_of(joined)
    runner.model.phrase_bank = object()
    with pytest.raises(ValueError, match=r'must be one dataset of pairs.*WeightedConcat with 14 items'):
        NounPhraseHook().before_train(runner)
