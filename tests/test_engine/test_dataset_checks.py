"""What a run says about its dataset."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from mmt2ireid.engine.dataset_parts import split_of
from mmt2ireid.engine.hooks import IdentityCountHook, SkippedImagesHook, dataset_checks
from mmt2ireid.engine.launch import run
from mmt2ireid.text import WordTokenizer


def test_too_few_classes_are_refused(make_cfg):
    with pytest.raises(ValueError, match=r'heads\.id\.num_classes must be 9, .* but got 6'):
        run(make_cfg(train_dataloader__dataset__num_pids=9), Runner.train)


def test_too_many_classes_are_mentioned(make_cfg, tmp_path):
    run(make_cfg(epochs=1, train_dataloader__dataset__num_pids=5), Runner.train)
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert 'heads.id has 6 classes, but the training set has only 5' in log


def test_splits_with_one_identity_are_pointed_out(make_cfg, tmp_path):
    run(make_cfg(epochs=1, train_dataloader__dataset__num_pids=1, val_dataloader__dataset__num_pids=1), Runner.train)
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert 'one identity only. There is no other person to tell this one from' in log
    assert 'one identity only. Every answer is right: R1 is always 100 %' in log


def test_the_split_is_that_of_the_data_set():
    parts = [SimpleNamespace(split='train'), SimpleNamespace(split='val'), SimpleNamespace(split='train')]
    assert split_of(SimpleNamespace(dataset=SimpleNamespace(datasets=parts))) == 'train + val'
    assert split_of(SimpleNamespace()) is None and split_of(None) is None


class Loop(BaseLoop):
    def __init__(self, dataset):
        self._dataloader = SimpleNamespace(dataset=dataset)

    @property
    def dataloader(self):
        return self._dataloader

    @dataloader.setter
    def dataloader(self, loader):
        self._dataloader = loader

    def run(self):
        pass


class Captions(list):
    """Captions with a pipeline that knows the words of the first sentence."""

    split, metainfo = 'test', dict(dataset='CUHK-PEDES')
    pipeline = SimpleNamespace(
        transforms=[SimpleNamespace(), SimpleNamespace(tokenizer=WordTokenizer(['a', 'man', 'in', 'red']))]
    )

    def get_data_info(self, item):
        return dict(captions=[self[item]])


def check_words(*captions, wrap=lambda dataset: dataset, **options):
    said = []
    logger = SimpleNamespace(warning=said.append)
    loop = Loop(wrap(Captions(captions)))
    runner = SimpleNamespace(_train_loop=None, _val_loop={}, _test_loop=loop, logger=logger)
    SkippedImagesHook(**options).before_run(runner)
    return said


def test_captions_in_another_language_are_refused():
    assert check_words(*['a man in red'] * 1000) == []
    (note,) = check_words('a man in red', 'a man in blue')
    assert note.startswith('12% of the tokens of the test split of CUHK-PEDES are unknown to the vocabulary')
    with pytest.raises(ValueError, match=r'100% of the tokens of the test split .* are the captions in its language'):
        check_words('一个穿红衣服的女人', '一个男人')
    joined = dict(wrap=lambda dataset: SimpleNamespace(datasets=[dataset]))
    with pytest.raises(ValueError, match='75% of the tokens'):
        check_words('a woman wearing blue', **joined)
    assert check_words('a woman wearing blue', max_unknown=1) != []
    assert Captions.pipeline.transforms[1].tokenizer.num_unknown == 0
    with pytest.raises(ValueError, match='max_unknown must be from 0 to 1, but got 2'):
        SkippedImagesHook(max_unknown=2)


def test_unknown_tokens_are_reported_with_their_share():
    said = []
    counts = dict(num_skipped=0, num_truncated=0, num_unknown=30, num_tokens=400)
    dataset = SimpleNamespace(**counts)
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset), logger=SimpleNamespace(warning=said.append), epoch=0
    )
    hook = SkippedImagesHook()
    hook.after_train_epoch(runner)
    dataset.num_unknown, dataset.num_tokens, runner.epoch = 40, 500, 1
    hook.after_train_epoch(runner)
    hook.after_train(runner)
    what = 'tokens were unknown to the vocabulary'
    assert said == [
        f'30 {what} (7.5%) in epoch 1, 30 so far',
        f'10 {what} (10.0%) in epoch 2, 40 so far',
        f'40 {what} (8.0%) in this run (an item counts each time it is drawn)',
    ]


def test_a_classifier_on_a_set_without_identities_is_refused():
    model = torch.nn.ModuleDict(dict(heads=torch.nn.ModuleDict(dict(id=torch.nn.Linear(2, 3)))))
    model['heads']['id'].num_classes = 3
    dataset = SimpleNamespace(num_pids=0)
    runner = SimpleNamespace(model=model, train_dataloader=SimpleNamespace(dataset=dataset))
    with pytest.raises(ValueError, match=r'heads\.id must be trained on a set with identities'):
        IdentityCountHook().before_train(runner)


def test_reports_are_summed_over_ranks(monkeypatch):
    said = []
    loader = SimpleNamespace(dataset=SimpleNamespace(num_skipped=2, num_truncated=0))
    runner = SimpleNamespace(test_dataloader=loader, logger=SimpleNamespace(warning=said.append))
    monkeypatch.setattr(dataset_checks, 'all_reduce', lambda count: count.mul_(4))
    SkippedImagesHook().after_test_epoch(runner)
    assert said == ['8 unreadable images were skipped in this test (an item counts each time it is drawn)']


def identity_run(dataset, num_classes):
    model = torch.nn.ModuleDict(dict(heads=torch.nn.ModuleDict(dict(id=torch.nn.Linear(2, 3)))))
    model['heads']['id'].num_classes = num_classes
    IdentityCountHook().before_train(SimpleNamespace(model=model, train_dataloader=SimpleNamespace(dataset=dataset)))


def test_joined_sets_are_looked_into(monkeypatch):
    joined = SimpleNamespace(
        dataset=SimpleNamespace(datasets=[SimpleNamespace(num_pids=n, num_skipped=n, relabel=False) for n in (2, 3)])
    )
    identity_run(joined, 5)
    with pytest.raises(ValueError, match=r'num_classes must be 5, .* but got 4'):
        identity_run(joined, 4)
    said = []
    runner = SimpleNamespace(
        test_dataloader=SimpleNamespace(dataset=joined), logger=SimpleNamespace(warning=said.append)
    )
    SkippedImagesHook().after_test_epoch(runner)
    assert said and said[0].startswith('5 unreadable images')


def test_joined_sets_whose_identities_collide_are_refused():
    parts = [SimpleNamespace(num_pids=n, relabel=True) for n in (2, 3)]
    with pytest.raises(ValueError, match=r'joins 2 sets that each number theirs from 0; give them relabel=False'):
        identity_run(SimpleNamespace(datasets=parts), 5)


def test_skipped_images_are_reported(make_cfg, tmp_path):
    run(make_cfg(epochs=2, train_dataloader__dataset__num_skipped=3), Runner.train)
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert '3 unreadable images were skipped in epoch 1, 3 so far' in log
    assert 'in epoch 2' not in log
    assert '3 unreadable images were skipped in this run' in log
    assert '5 captions were cut at the token limit in epoch 1, 5 so far' in log
