from collections import Counter

import numpy as np
import pytest
from person_data import make_records, write_images, write_json
from said import listen
from test_samplers import per_rank
from torch.utils.data import DataLoader

from mmt2ireid.datasets import CUHKPEDES, ICFGPEDES, LUPersonT, SeededIndex, WeightedConcat
from mmt2ireid.datasets.samplers import IdentitySampler, PairSampler
from mmt2ireid.datasets.shares import Shares, shares_of
from mmt2ireid.registry import DATASETS


@pytest.fixture
def roots(tmp_path):
    """CUHK-PEDES: 8 persons with 3 images of 2 captions; ICFG-PEDES: 5 of 4 images; LUPerson-T: 10 images."""
    sets = {
        'cuhk': ('reid_raw.json', make_records(8, 3)),
        'icfg': ('ICFG-PEDES.json', make_records(5, 4, first_id=0)),
        'lupt': ('captions.json', make_records(10, 1)),
    }
    for name, (file, records) in sets.items():
        (tmp_path / name).mkdir()
        write_images(tmp_path / name / 'imgs', records)
        write_json(tmp_path / name / file, records)
    return tmp_path


def config(roots, name, **kwargs):
    kinds = dict(
        cuhk=dict(type='mmt2ireid.CUHKPEDES'),
        icfg=dict(type='mmt2ireid.ICFGPEDES', holdout_ids=0),
        lupt=dict(type='mmt2ireid.LUPersonT', ann_file='captions.json', data_prefix=dict(img_path='imgs')),
    )
    return dict(**kinds[name], data_root=str(roots / name), **kwargs)


def joined(roots, names=('cuhk', 'icfg'), weights=None, **kwargs):
    return WeightedConcat([config(roots, name, **kwargs) for name in names], weights)


def test_everything_is_numbered_through(roots):
    dataset = joined(roots, ('cuhk', 'lupt', 'icfg'))
    alone = [CUHKPEDES(data_root=f'{roots}/cuhk'), DATASETS.build(config(roots, 'lupt'))]
    alone.append(ICFGPEDES(data_root=f'{roots}/icfg', holdout_ids=0))
    assert len(dataset) == 48 + 20 + 40 and dataset.num_images == 24 + 10 + 20 and dataset.num_captions == 108
    infos = [dataset.get_data_info(number) for number in range(len(dataset))]
    assert [info['sample_idx'] for info in infos] == list(range(108))
    assert [info['image_id'] for info in infos] == np.repeat(np.arange(54), 2).tolist()
    assert [info['pid'] for info in infos] == dataset.pids.tolist()
    assert dataset.pids.tolist() == [*np.repeat(np.arange(8), 6), *[-1] * 20, *np.repeat(np.arange(8, 13), 8)]
    expected = [part.get_data_info(number) for part in alone for number in range(len(part))]
    for found, own in zip(infos, expected, strict=True):
        assert (found['img_path'], found['captions']) == (own['img_path'], own['captions'])
    assert dataset.get_data_info(-1) == infos[-1]
    for wrong in (108, -109):
        with pytest.raises(IndexError):
            dataset.get_data_info(wrong)


def test_identities_count_if_all_sets_have_them(roots):
    assert joined(roots).num_pids == 13
    assert joined(roots, ('cuhk', 'lupt')).num_pids == 0


def test_what_a_pipeline_packs_is_numbered_through_too(roots, tokenizer_cfg):
    pipeline = [
        dict(type='mmt2ireid.LoadPersonImage'),
        dict(type='mmt2ireid.Tokenize', tokenizer=tokenizer_cfg),
        dict(type='mmt2ireid.PackPersonInputs'),
    ]
    sample = joined(roots, pipeline=pipeline)[50]['data_samples']
    assert (sample.pid, sample.image_id, sample.sample_idx) == (8, 25, 50)


def test_given_datasets_stay_as_they_are(roots):
    icfg = ICFGPEDES(data_root=f'{roots}/icfg', holdout_ids=0)
    dataset = WeightedConcat([CUHKPEDES(data_root=f'{roots}/cuhk'), icfg])
    assert WeightedConcat(dataset.datasets[1:]).pids.tolist() == icfg.pids.tolist()
    assert dataset.pids.max() == 12 and icfg.pids.max() == 4 and icfg.get_data_info(0)['image_id'] == 0


def test_nothing_is_loaded_before_it_is_asked_for():
    missing = [dict(type='mmt2ireid.CUHKPEDES', data_root='nowhere')]
    dataset = WeightedConcat(missing, lazy_init=True)
    with pytest.raises(FileNotFoundError):
        len(dataset)
    with pytest.raises(FileNotFoundError):
        WeightedConcat(missing)


def order_of(sampler, epoch=0):
    sampler.set_epoch(epoch)
    return [(int(index), index.seed) for index in sampler]


def test_an_epoch_has_as_many_pairs_of_each_set_as_its_weight_says(roots):
    dataset = joined(roots, weights=(0.25, 1.5))
    sampler = PairSampler(dataset)
    assert len(sampler) == dataset.shares.total == 12 + 60
    epochs = [[index for index, _ in order_of(sampler, epoch)] for epoch in range(4)]
    for order in epochs:
        assert Counter(number >= 48 for number in order) == {False: 12, True: 60}
        counts = Counter(number for number in order if number >= 48)
        assert len(counts) == 40 and set(counts.values()) == {1, 2}
    over_all = Counter(number for order in epochs for number in order)
    assert {over_all[number] for number in range(48)} == {1}  # four quarters
    assert {over_all[number] for number in range(48, 88)} == {6}
    assert epochs[0] != sorted(epochs[0]) and len(set(map(tuple, epochs))) == 4


def test_with_even_weights_it_is_any_dataset(roots):
    assert order_of(PairSampler(joined(roots), seed=3)) == order_of(PairSampler(range(88), seed=3))
    assert shares_of(joined(roots, weights=(1, 1))) is None and shares_of(range(3)) is None


def test_resumed_epochs_are_the_same(roots):
    first = PairSampler(joined(roots, weights=(0.3, 2)), seed=5)
    epochs = [order_of(first, epoch) for epoch in range(5)]
    resumed = PairSampler(joined(roots, weights=(0.3, 2)), seed=5)
    assert order_of(resumed, 4) == epochs[4] and order_of(resumed, 2) == epochs[2]
    assert order_of(PairSampler(joined(roots, weights=(0.3, 2)), seed=6), 4) != epochs[4]


@pytest.mark.parametrize('make', [PairSampler, lambda data: IdentitySampler(data, num_pids=2, num_instances=3)])
def test_repetitions_have_seeds_of_their_own(roots, make):
    seeds = [seed for _, seed in order_of(make(joined(roots, weights=(3, 1))))]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize('world_size', [2, 3])
def test_pairs_do_not_depend_on_the_number_of_ranks(roots, monkeypatch, world_size):
    dataset = joined(roots, weights=(0.25, 1.5))
    alone = order_of(PairSampler(dataset, seed=1), 2)
    parts = [
        order_of(sampler, 2) for sampler in per_rank(monkeypatch, world_size, lambda: PairSampler(dataset, seed=1))
    ]
    assert [entry for step in zip(*parts, strict=True) for entry in step] == alone


@pytest.mark.parametrize('world_size', [1, 2])
def test_identities_have_turns_as_their_weights_say(roots, monkeypatch, world_size):
    """8 persons of weight 1 and 5 of weight 0.5: rounds of 8 + 2 turns."""
    dataset = joined(roots, weights=(1, 0.4))
    per_batch = 4 // world_size
    samplers = per_rank(
        monkeypatch, world_size, lambda: IdentitySampler(dataset, num_pids=per_batch, num_instances=3, seed=1)
    )
    turns = Counter()
    for epoch in range(10):
        orders = [[index for index, _ in order_of(sampler, epoch)] for sampler in samplers]
        assert len(orders[0]) * world_size == 12 * samplers[0].num_steps >= dataset.shares.total == 64
        for start in range(0, len(orders[0]), per_batch * 3):
            step = [pid for order in orders for pid in dataset.pids[order[start : start + per_batch * 3]].tolist()]
            assert len(set(step)) == 4 and set(Counter(step).values()) == {3}
            turns.update(set(step))
    mean = [np.mean([turns[pid] for pid in group]) for group in (range(8), range(8, 13))]
    assert mean[1] / mean[0] == pytest.approx(0.4, rel=0.15) and len(turns) == 13


def test_identities_of_even_weights_take_turns_as_ever(roots):
    dataset = joined(roots)

    class Plain:
        pids = dataset.pids

        def __len__(self):
            return len(self.pids)

    samplers = [IdentitySampler(data, num_pids=5, num_instances=2, seed=4) for data in (dataset, Plain())]
    assert order_of(samplers[0], 3) == order_of(samplers[1], 3)


def test_more_identities_than_a_round_has(roots):
    with pytest.raises(ValueError, match='at most the 9 identities of the dataset that have their turn in a round'):
        IdentitySampler(joined(roots, weights=(1, 0.2)), num_pids=10, num_instances=2)
    with pytest.raises(ValueError, match='20 of 68 are unknown'):
        IdentitySampler(joined(roots, ('cuhk', 'lupt')), num_pids=2, num_instances=2)


def test_workers_and_resumption_give_the_same_pictures(roots):
    """A picture is cropped alike whoever loads it; the seeds reach the pipelines of the sets."""
    pipeline = [
        dict(type='mmt2ireid.LoadPersonImage'),
        dict(type='mmpretrain.RandomCrop', crop_size=(40, 20)),
    ]
    dataset = joined(roots, weights=(0.25, 1.5), pipeline=pipeline)

    def batches(num_workers, epoch):
        sampler = PairSampler(dataset, seed=2)
        sampler.set_epoch(epoch)
        loader = DataLoader(dataset, batch_size=8, sampler=sampler, num_workers=num_workers, collate_fn=list)
        return [(item['sample_idx'], item['img'].tobytes()) for batch in loader for item in batch]

    alone = batches(0, 1)
    assert batches(2, 1) == alone != batches(0, 0)
    pictures = [picture for number, picture in alone if Counter(n for n, _ in alone)[number] == 2]
    assert len(set(pictures)) > len(pictures) / 2  # the second time it is cropped in another way
    one = SeededIndex(50, 9)
    assert (dataset[one]['img'] == dataset.datasets[1][SeededIndex(2, 9)]['img']).all()


def test_shares_against_a_loop():
    shares = Shares((7, 3, 5), (0.5, 2.5, 0.01))
    assert shares.counts == (4, 8, 1) and shares.total == 13
    rows = [[], [], []]
    for epoch in range(20):
        drawn = shares.draw(11, epoch)
        assert shares.set_of(drawn).tolist() == [0] * 4 + [1] * 8 + [2]
        for number, start in enumerate((0, 7, 10)):
            rows[number] += [int(item) - start for item in drawn if shares.set_of(np.array([item]))[0] == number]
    for row, size in zip(rows, shares.sizes, strict=True):
        whole = [row[start : start + size] for start in range(0, len(row) - size + 1, size)]
        assert len(whole) > 3 and all(sorted(part) == list(range(size)) for part in whole)
        assert len({tuple(part) for part in whole}) > 1


def test_persons_that_may_be_in_two_sets_are_told(roots, monkeypatch):
    said = listen(monkeypatch, 'weighted_concat')
    joined(roots, ('cuhk', 'lupt', 'lupt'))
    assert len(said) == 1 and said[0].startswith('An epoch has 88 pairs: 48 of the 48 pairs of CUHK-PEDES, 20 of')
    joined(roots, ('cuhk', 'cuhk'))
    assert 'CUHK-PEDES (train) and CUHK-PEDES (train) both have pictures of CUHK-PEDES' in said[1]


@pytest.mark.parametrize(
    ('changes', 'weights', 'message'),
    [
        (dict(unit='image'), None, r"datasets\[0\] must have unit='pair' and relabel=None"),
        (dict(relabel=False), None, r'datasets\[0\] must have'),
        ({}, (1,), 'weights must be 2 positive numbers'),
        ({}, (1, 0), 'weights must be 2 positive numbers'),
        ({}, (1, float('nan')), 'weights must be 2 positive numbers'),
    ],
)
def test_what_cannot_be_joined(roots, changes, weights, message):
    with pytest.raises(ValueError, match=message):
        joined(roots, weights=weights, **changes)


def test_other_things_that_cannot_be(roots):
    with pytest.raises(ValueError, match='at least one'):
        WeightedConcat([])
    with pytest.raises(ValueError, match=r'datasets\[0\] must be a person-text dataset, but got range'):
        WeightedConcat([range(3)])
    dataset = joined(roots, weights=(1, 2))
    with pytest.raises(ValueError, match='shuffle must be True for a dataset with weights'):
        PairSampler(dataset, shuffle=False)
    with pytest.raises(ValueError, match=r'must be trained on one person-text dataset.* CUHK-PEDES, ICFG-PEDES'):
        dataset.first_captions  # noqa: B018
    assert not hasattr(dataset, 'all_captions')  # phrases are of one set, and words of all within

    class Sliced:
        shares = dataset.shares

        def __len__(self):
            return 10

    with pytest.raises(ValueError, match='num_batch_per_epoch must be None'):
        PairSampler(Sliced())


def test_the_whole_of_lupt_and_a_benchmark(roots):
    """Where one set has no identities, its items have none, and the others keep theirs apart."""
    dataset = WeightedConcat([LUPersonT(**{k: v for k, v in config(roots, 'lupt').items() if k != 'type'})] * 2)
    assert set(dataset.pids) == {-1} and dataset.num_images == 20
