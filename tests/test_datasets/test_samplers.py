from collections import Counter

import numpy as np
import pytest

from mmt2ireid.datasets.samplers import IdentitySampler, PairSampler
from mmt2ireid.registry import DATA_SAMPLERS


class Pids:
    def __init__(self, pids):
        self.pids = np.asarray(pids)

    def __len__(self):
        return len(self.pids)


def on_rank(monkeypatch, rank, world_size):
    monkeypatch.setattr('mmt2ireid.datasets.samplers.epoch_sampler.get_dist_info', lambda: (rank, world_size))


def per_rank(monkeypatch, world_size, make):
    samplers = []
    for rank in range(world_size):
        on_rank(monkeypatch, rank, world_size)
        samplers.append(make())
    return samplers


def test_every_item_once_per_epoch():
    sampler = PairSampler(range(101), seed=3)
    first = list(sampler)
    assert sorted(first) == list(range(101)) and first != sorted(first) and len(sampler) == 101
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert sorted(sampler) == list(range(101)) and list(sampler) != first
    assert list(PairSampler(range(101), seed=4)) != first


def test_resume_gives_the_same_order_and_seeds():
    sampler, resumed = PairSampler(range(50), seed=3), PairSampler(range(50), seed=3)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        expected = [(int(i), i.seed) for i in sampler]
    resumed.set_epoch(2)
    assert [(int(i), i.seed) for i in resumed] == expected
    sampler.set_epoch(0)
    assert not {i.seed for i in sampler} & {seed for _, seed in expected}


def test_ranks_share_the_epoch(monkeypatch):
    alone = [(int(i), i.seed) for i in PairSampler(range(101), seed=3)]
    parts = [[(int(i), i.seed) for i in s] for s in per_rank(monkeypatch, 4, lambda: PairSampler(range(101), seed=3))]
    assert {len(part) for part in parts} == {26}
    together = [entry for step in zip(*parts, strict=True) for entry in step]
    assert together[:101] == alone
    assert [index for index, _ in together[101:]] == [index for index, _ in alone[:3]]


def test_more_ranks_than_items(monkeypatch):
    samplers = per_rank(monkeypatch, 5, lambda: PairSampler(range(2), shuffle=False))
    assert [list(s) for s in samplers] == [[0], [1], [0], [1], [0]]


def test_ordered_without_rounding_up(monkeypatch):
    samplers = per_rank(monkeypatch, 2, lambda: PairSampler(range(5), shuffle=False, round_up=False))
    assert [list(s) for s in samplers] == [[0, 2, 4], [1, 3]] and [len(s) for s in samplers] == [3, 2]


def test_empty_dataset_is_refused():
    with pytest.raises(ValueError, match='at least one item'):
        PairSampler([])


def uneven(num_ids=30, seed=0):
    """Identities of 1 to 9 pairs, in mixed order, with numbers that are not contiguous."""
    rng = np.random.default_rng(seed)
    return Pids(rng.permutation(np.repeat(np.arange(num_ids) * 7 + 3, rng.integers(1, 10, num_ids))))


@pytest.mark.parametrize('world_size', [1, 2, 3])
@pytest.mark.parametrize(('p', 'k'), [(4, 3), (10, 2), (1, 1), (3, 12)])
def test_batches_hold_p_identities_of_k_pairs(monkeypatch, world_size, p, k):
    data = uneven()
    sizes = Counter(data.pids.tolist())
    samplers = per_rank(monkeypatch, world_size, lambda: IdentitySampler(data, num_pids=p, num_instances=k, seed=1))
    orders = [[int(i) for i in sampler] for sampler in samplers]
    assert len({len(order) for order in orders}) == 1 and len(orders[0]) == len(samplers[0])
    assert len(orders[0]) % (p * k) == 0
    turns = Counter()
    for start in range(0, len(orders[0]), p * k):
        step = [order[start : start + p * k] for order in orders]
        identities = [pid for batch in step for pid in set(data.pids[batch].tolist())]
        assert len(set(identities)) == len(identities) == p * world_size
        for batch in step:
            for group in np.reshape(batch, (p, k)):
                (pid,) = set(data.pids[group].tolist())
                assert len(set(group.tolist())) == min(k, sizes[pid])
        turns.update(identities)
    assert len(turns) == len(sizes)
    assert max(turns.values()) - min(turns.values()) <= 1


def test_identity_goes_through_its_pairs_before_one_repeats():
    data = Pids(np.repeat(np.arange(4), [6, 6, 6, 30]))
    order = np.array([int(i) for i in IdentitySampler(data, num_pids=2, num_instances=2, seed=5)])
    for pid in range(3):
        drawn = order[data.pids[order] == pid]
        assert len(drawn) == 12 and set(Counter(drawn.tolist()).values()) == {2}
        assert len(set(drawn[:6].tolist())) == 6


def test_identities_of_few_pairs_lengthen_the_epoch():
    sampler = IdentitySampler(Pids(np.arange(20)), num_pids=4, num_instances=8)
    assert len(sampler) == 5 * 4 * 8 and set(map(int, sampler)) == set(range(20))


def test_identity_order_depends_on_seed_and_epoch():
    def order(seed, epoch):
        sampler = IdentitySampler(uneven(), num_pids=4, num_instances=3, seed=seed)
        sampler.set_epoch(epoch)
        return [(int(i), i.seed) for i in sampler]

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in range(2) for epoch in range(3)}) == 6


def test_repeated_pairs_have_seeds_of_their_own(monkeypatch):
    data = uneven()
    samplers = per_rank(monkeypatch, 2, lambda: IdentitySampler(data, num_pids=3, num_instances=9))
    seeds = [i.seed for sampler in samplers for i in sampler]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize(
    ('data', 'args', 'message'),
    [
        (Pids([0, 1, 1]), dict(num_pids=3, num_instances=1), 'at most the 2 identities'),
        (Pids([0, -1, 1]), dict(num_pids=1, num_instances=1), '1 of 3 are unknown'),
        (range(3), dict(num_pids=1, num_instances=1), 'range has none'),
        (Pids([0, 1]), dict(num_pids=0, num_instances=1), 'must be at least 1'),
    ],
)
def test_identity_sampler_refuses(data, args, message):
    with pytest.raises(ValueError, match=message):
        IdentitySampler(data, **args)


def test_runner_builds_both():
    from mmengine.runner import Runner
    from torch.utils.data import Dataset

    class Items(Dataset):
        pids = np.arange(12) % 4

        def __len__(self):
            return 12

        def __getitem__(self, index):
            return int(index)

    for sampler, length in (
        (dict(type='mmt2ireid.PairSampler'), 12),
        (dict(type='mmt2ireid.IdentitySampler', num_pids=2, num_instances=2), 12),
    ):
        cfg = dict(
            dataset=Items(), sampler=sampler, batch_size=4, num_workers=0, collate_fn=dict(type='default_collate')
        )
        loader = Runner.build_dataloader(cfg, seed=11)
        assert loader.sampler.seed == 11 and sum(len(batch) for batch in loader) == length
    assert DATA_SAMPLERS.get('IdentitySampler') is IdentitySampler
