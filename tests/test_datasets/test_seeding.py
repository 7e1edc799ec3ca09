import pickle
import random

import numpy as np
import torch

from mmt2ireid.datasets.seeding import SeededIndex, item_seeds, seeded_indices, seeded_rng


def draws():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_same_seed_same_draws_and_states_come_back():
    before = draws()
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    expected_after = draws()
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    with seeded_rng(2**62 + 5):
        first = draws()
    assert draws() == expected_after
    with seeded_rng(2**62 + 5):
        assert draws() == first
    with seeded_rng(2**62 + 6):
        second = draws()
    assert all(a != b for a, b in zip(first, second, strict=True))
    assert before != first


def test_states_come_back_after_an_error():
    torch.manual_seed(3)
    expected = torch.rand(1).item()
    torch.manual_seed(3)
    try:
        with seeded_rng(1):
            raise KeyError
    except KeyError:
        pass
    assert torch.rand(1).item() == expected


def test_none_leaves_the_generators_alone():
    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    with seeded_rng(None):
        found = [torch.rand(1).item()]
    assert [*found, torch.rand(1).item()] == expected


def test_seeded_index_is_an_int_that_keeps_its_seed():
    index = SeededIndex(7, 99)
    assert index == 7 and [10, 20, 30, 40, 50, 60, 70, 80][index] == 80 and type(int(index)) is int
    again = pickle.loads(pickle.dumps(index))
    assert (again, again.seed) == (7, 99) and isinstance(again, SeededIndex)
    assert (index - 3, (index - 3).seed, index % 4, (index % 4).seed) == (4, 99, 3, 99)


def splitmix(value):
    value = (value + 0x9E3779B97F4A7C15) % 2**64
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) % 2**64
    return value ^ (value >> 31)


def test_seeds_equal_a_loop_over_integers():
    indices, positions = np.array([5, 0, 68125, 5]), np.array([0, 1, 2, 3])
    expected = []
    for index, position in zip(indices.tolist(), positions.tolist(), strict=True):
        state = 2**40 + 1
        for part in (3, index, position):
            state = splitmix(state ^ splitmix(part))
        expected.append(state >> 1)
    assert item_seeds(2**40 + 1, 3, indices, positions).tolist() == expected
    assert [i.seed for i in seeded_indices(2**40 + 1, 3, indices, positions)] == expected


def test_seeds_differ_by_run_epoch_item_and_repetition():
    number = np.arange(1000)
    seeds = [item_seeds(seed, epoch, number, number) for seed in range(3) for epoch in range(3)]
    repeated = item_seeds(0, 0, np.zeros_like(number), number)
    assert len(np.unique(np.concatenate([*seeds, repeated]))) == 10_000 - 1  # (item 0, place 0) is in both
    assert min(map(np.min, seeds)) >= 0
    bits = (np.concatenate(seeds)[:, None] >> np.arange(63)) & 1
    assert abs(bits.mean(0) - 0.5).max() < 0.03
