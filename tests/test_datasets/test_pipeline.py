import numpy as np
import pytest
import torch
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DefaultScope
from person_data import draw
from torch.utils.data import DataLoader

from mmt2ireid.datasets import CUHKPEDES, PersonTextDataset
from mmt2ireid.datasets.pipelines import run_pipeline
from mmt2ireid.datasets.samplers import IdentitySampler, PairSampler
from mmt2ireid.datasets.seeding import seeded_rng


def train_pipeline(tokenizer_cfg):
    return [
        dict(type='mmt2ireid.LoadPersonImage'),
        dict(type='Resize', scale=(48, 96), interpolation='bicubic'),
        dict(type='RandomFlip', prob=0.5),
        dict(type='mmpretrain.RandomCrop', crop_size=(96, 48), padding=5),
        dict(type='mmpretrain.RandomErasing', erase_prob=0.5, mode='rand'),
        dict(type='mmt2ireid.Tokenize', tokenizer=tokenizer_cfg),
        dict(type='mmt2ireid.MaskTokens', tokenizer=tokenizer_cfg, prob=0.3),
        dict(type='mmt2ireid.PackPersonInputs'),
    ]


@pytest.fixture
def dataset(cuhk, tokenizer_cfg):
    return CUHKPEDES(data_root=str(cuhk.root), pipeline=train_pipeline(tokenizer_cfg))


def flatten(batch):
    samples = batch['data_samples']
    return (
        torch.stack(batch['inputs']).numpy().tobytes(),
        [(s.sample_idx, s.pid, s.captions, s.img_path) for s in samples],
        [s.masked_token_ids.tolist() for s in samples],
        [s.mask_positions.tolist() for s in samples],
    )


def epochs(dataset, sampler, number, skip=0, **loader_args):
    loader = DataLoader(dataset, batch_size=8, sampler=sampler, collate_fn=pseudo_collate, **loader_args)
    batches = []
    for epoch in range(skip, number):
        sampler.set_epoch(epoch)
        batches.append([flatten(batch) for batch in loader])
    return batches


def make_sampler(kind, dataset):
    if kind == 'pairs':
        return PairSampler(dataset, seed=7)
    return IdentitySampler(dataset, num_pids=4, num_instances=2, seed=7)


@pytest.mark.parametrize('kind', ['pairs', 'identities'])
def test_batches_do_not_depend_on_workers_or_resume(dataset, kind):
    torch.manual_seed(0)
    np.random.seed(0)
    alone = epochs(dataset, make_sampler(kind, dataset), 2)
    torch.manual_seed(1)
    np.random.seed(1)
    assert epochs(dataset, make_sampler(kind, dataset), 2, num_workers=1) == alone
    assert epochs(dataset, make_sampler(kind, dataset), 2, num_workers=2, persistent_workers=True) == alone
    assert epochs(dataset, make_sampler(kind, dataset), 2, skip=1) == alone[1:]
    assert alone[0] != alone[1]


def test_augmentation_differs_by_epoch(dataset):
    sampler = PairSampler(dataset, seed=7)
    seen = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        seen.append({int(index): dataset[index]['inputs'] for index in sampler})
    differing = sum(not torch.equal(seen[0][index], seen[1][index]) for index in range(len(dataset)))
    assert differing > len(dataset) * 0.9


def test_items_leave_the_global_generators_alone(dataset):
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(3).tolist(), np.random.rand(3).tolist()
    torch.manual_seed(5)
    np.random.seed(5)
    for index in PairSampler(dataset):
        dataset[index]
    assert (torch.rand(3).tolist(), np.random.rand(3).tolist()) == expected


def test_batches_do_not_depend_on_the_number_of_ranks(dataset, monkeypatch):
    alone = {int(index): dataset[index]['inputs'] for index in PairSampler(dataset, seed=7)}
    for rank in range(2):
        monkeypatch.setattr('mmt2ireid.datasets.samplers.epoch_sampler.get_dist_info', lambda rank=rank: (rank, 2))
        for index in PairSampler(dataset, seed=7):
            assert torch.equal(dataset[index]['inputs'], alone[int(index)])


def test_evaluation_items_hold_all_captions(cuhk, tokenizer_cfg):
    pipeline = [step for step in train_pipeline(tokenizer_cfg) if 'Random' not in step['type']]
    dataset = CUHKPEDES(data_root=str(cuhk.root), split='test', unit='image', pipeline=pipeline)
    sample = dataset[7]['data_samples']
    assert len(sample.captions) == len(sample.token_ids) == 10
    assert len(sample.masked_token_ids) == len(sample.token_ids[0])


def test_truncations_are_counted_across_workers(cuhk, tokenizer_cfg):
    pipeline = [dict(type='mmt2ireid.Tokenize', tokenizer={**tokenizer_cfg, 'max_length': 5})]
    dataset = CUHKPEDES(data_root=str(cuhk.root), pipeline=pipeline)
    list(DataLoader(dataset, batch_size=4, num_workers=2, collate_fn=list))
    assert dataset.num_truncated == 48
    assert dataset.num_tokens == 48 * 3 and dataset.num_unknown == 0


def run_one(tokenizer_cfg, steps, seed):
    pipeline = Compose(steps)
    with seeded_rng(seed):
        return pipeline({'img_path': 'x', 'img_bytes': _png(), 'captions': ['red'], 'pid': 0})['inputs'].numpy()


def _png():
    import cv2

    return cv2.imencode('.png', draw(0, 96, 48))[1].tobytes()


def test_flip_crop_and_erase_do_what_they_say(tokenizer_cfg):
    load, resize, flip, crop, erase, tokenize, _, pack = train_pipeline(tokenizer_cfg)
    whole = draw(0, 96, 48).transpose(2, 0, 1)
    always_flip = run_one(tokenizer_cfg, [load, {**flip, 'prob': 1.0}, tokenize, pack], 0)
    assert np.array_equal(always_flip, whole[:, :, ::-1])
    padded = np.pad(whole, ((0, 0), (5, 5), (5, 5)))
    offsets = set()
    for seed in range(40):
        cropped = run_one(tokenizer_cfg, [load, crop, tokenize, pack], seed)
        found = [
            (y, x) for y in range(11) for x in range(11) if np.array_equal(padded[:, y : y + 96, x : x + 48], cropped)
        ]
        assert len(found) == 1
        offsets.update(found)
    assert len(offsets) > 25
    erased = run_one(tokenizer_cfg, [load, {**erase, 'erase_prob': 1.0}, tokenize, pack], 0)
    assert 0.01 < (erased != whole).any(0).mean() < 0.42
    resized = run_one(tokenizer_cfg, [load, {**resize, 'scale': (16, 24)}, tokenize, pack], 0)
    assert resized.shape == (3, 24, 16)


@pytest.mark.parametrize('scope', ['mmt2ireid', 'mmpretrain', 'mmengine'])
def test_full_names_work_under_every_default_scope(cuhk, tokenizer_cfg, scope):
    from mmengine.registry import DATASETS

    with DefaultScope.overwrite_default_scope(scope):
        cfg = dict(type='mmt2ireid.CUHKPEDES', data_root=str(cuhk.root), pipeline=train_pipeline(tokenizer_cfg))
        dataset = DATASETS.build(cfg)
    assert isinstance(dataset, PersonTextDataset) and dataset[0]['inputs'].shape == (3, 96, 48)


def test_short_names_work_under_our_scope(cuhk, tokenizer_cfg):
    steps = [{**step, 'type': step['type'].replace('mmt2ireid.', '')} for step in train_pipeline(tokenizer_cfg)]
    with DefaultScope.overwrite_default_scope('mmt2ireid'):
        assert CUHKPEDES(data_root=str(cuhk.root), pipeline=steps)[0]['inputs'].shape == (3, 96, 48)


@pytest.mark.parametrize(
    ('missing', 'message'),
    [
        (0, "must give 'img' before RandomCrop, but the item has img_path, captions"),
        (5, "must give 'token_ids' before MaskTokens"),
    ],
)
def test_a_missing_transform_is_named(cuhk, tokenizer_cfg, missing, message):
    pipeline = train_pipeline(tokenizer_cfg)
    del pipeline[missing]
    dataset = CUHKPEDES(data_root=str(cuhk.root), pipeline=pipeline)
    with pytest.raises(ValueError, match=message):
        dataset[0]


def test_other_key_errors_pass():
    def look_up(data):
        return {}['img']

    with pytest.raises(KeyError, match='img'):
        run_pipeline([look_up], {'img': 1})
    assert run_pipeline([lambda data: None, look_up], {}) is None
