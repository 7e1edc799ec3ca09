"""What a run does with several sets joined into one."""

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from joined_parts import EPOCH, joined_config, write_sets
from mmengine.runner import BaseLoop
from test_resume_exact import assert_same_end, crash
from tiny_config import write_config
from torch import nn

from mmt2ireid.compat import load_from_local
from mmt2ireid.datasets import CUHKPEDES, LUPersonT, WeightedConcat
from mmt2ireid.engine.hooks import ClusteringHook, IdentityCountHook, NounPhraseHook, SkippedImagesHook
from mmt2ireid.engine.hooks.training_features import _first_captions
from mmt2ireid.engine.launch import GLOO_SETTLES_S


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
        hooks=[],
    )
    with pytest.raises(ValueError, match=message):
        ClusteringHook(dataloader={}, head='memory').before_run(runner)


def test_noun_phrases_are_of_one_set(joined):
    runner, _ = runner_of(joined)
    runner.model.phrase_bank = object()
    with pytest.raises(ValueError, match=r'must be one dataset of pairs.*WeightedConcat with 14 items'):
        NounPhraseHook().before_train(runner)


def trained(folder, distributed):
    """Two epochs of ten pairs a step over all ranks: what each step drew, and the weights at the end."""
    from mmengine.runner import runner as module

    from mmt2ireid.engine.launch import build_runner

    module.collect_env = dict
    name, batch_size = ('ranks', 5) if distributed else ('one', 10)
    changes = dict(train_dataloader__batch_size=batch_size, train_cfg__max_epochs=2, dropout=0.0)
    cfg = joined_config(folder, folder / name, **changes)
    cfg.train_dataloader.sampler.seed = 3
    runner = build_runner(cfg, 'pytorch' if distributed else 'none')
    drawn = []
    model = getattr(runner.model, 'module', runner.model)
    prepare = model.data_preprocessor.forward

    def note(data, training=False):
        if training:
            drawn.append(
                [
                    (sample.sample_idx, sample.pid, sample.captions[0], inputs.numpy().tobytes())
                    for sample, inputs in zip(data['data_samples'], data['inputs'], strict=True)
                ]
            )
        return prepare(data, training)

    model.data_preprocessor.forward = note
    runner.train()
    return dict(drawn=drawn, weights=model.state_dict())


def work(rank, folder):
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE='2')
    dist.init_process_group('gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2)
    torch.save(trained(Path(folder), distributed=True), f'{folder}/rank{rank}.pt')
    dist.destroy_process_group()
    time.sleep(GLOO_SETTLES_S)  # gloo's threads end before the interpreter does


def test_two_ranks_equal_one_process(tmp_path):
    """The same pairs and pictures at every step, and so the same weights but for rounding."""
    write_sets(tmp_path)
    mp.spawn(work, args=(str(tmp_path),), nprocs=2)
    # Our own files of a moment ago.
    ranks = [torch.load(tmp_path / f'rank{rank}.pt', weights_only=False) for rank in range(2)]
    alone = trained(tmp_path, distributed=False)
    assert len(alone['drawn']) == len(ranks[0]['drawn']) == 2 * EPOCH // 10
    for number, step in enumerate(alone['drawn']):
        both = [item for pair in zip(*(rank['drawn'][number] for rank in ranks), strict=True) for item in pair]
        assert both == step
    shares = [sum(item[0] < 24 for step in part for item in step) for part in (alone['drawn'][:6], alone['drawn'][6:])]
    assert shares == [12, 12]
    assert {item[0] for step in alone['drawn'] for item in step} == set(range(56))
    assert list(alone['weights']) == list(ranks[0]['weights'])
    for key, value in alone['weights'].items():
        assert torch.equal(ranks[0]['weights'][key], ranks[1]['weights'][key]), key
        torch.testing.assert_close(ranks[0]['weights'][key], value, atol=1e-5, rtol=1e-4)


def test_killed_run_ends_as_one_never_killed(tmp_path):
    """Three epochs of six steps, killed within an epoch and while a checkpoint is written."""
    write_sets(tmp_path)
    cfg = joined_config(tmp_path, tmp_path / 'unused', train_cfg__max_epochs=3)
    cfg.custom_hooks.append(dict(type='DieHook'))
    plans = ['train:8', 'half:3+train:4']
    crash(write_config(tmp_path / 'crash.py', cfg), tmp_path, plans)
    for plan in plans:
        assert_same_end(tmp_path / 'never', tmp_path / plan)
    losses = load_from_local(str(tmp_path / 'never/epoch_3.pth'))['message_hub']['log_scalars']
    assert len(set(losses['train/loss_contrastive']['values'].tolist())) == 18
