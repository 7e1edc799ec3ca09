"""Text-IoU against sets of Python, in float64."""

import random

import numpy as np
import pytest
import torch

from mmt2ireid.text import multi_hot, text_iou


def batch_of(rng, size, num_phrases, most=12):
    return [rng.sample(range(num_phrases), rng.randint(0, most)) for _ in range(size)]


def naive(ids):
    sets = [set(row) for row in ids]
    result = torch.zeros(len(ids), len(ids), dtype=torch.float64)
    for i, one in enumerate(sets):
        for j, other in enumerate(sets):
            result[i, j] = 1.0 if i == j else len(one & other) / len(one | other) if one | other else 0.0
    return result


# Few phrases make dense rows, many make sparse ones, which are multiplied in another way.
@pytest.mark.parametrize(('size', 'num_phrases'), [(1, 20), (2, 13), (17, 15), (64, 40), (64, 300), (40, 5000)])
@pytest.mark.parametrize('seed', range(3))
def test_equals_set_loops(size, num_phrases, seed):
    ids = batch_of(random.Random(seed), size, num_phrases)
    wanted = naive(ids)
    assert torch.equal(text_iou(multi_hot(ids).double()), wanted)
    assert torch.equal(text_iou(multi_hot(ids)), wanted.float())


@pytest.mark.filterwarnings('ignore:Sparse CSR')
@pytest.mark.parametrize('kind', ['bool', 'uint8', 'long', 'half', 'bfloat16', 'counts', 'coo', 'csr', 'requires grad'])
def test_every_form_of_rows(kind):
    ids = batch_of(random.Random(5), 30, 50)
    rows = multi_hot(ids)
    forms = {
        'bool': lambda: rows, 'uint8': rows.byte, 'long': rows.long, 'half': rows.half, 'bfloat16': rows.bfloat16,
        'counts': lambda: rows.float() * 3, 'coo': lambda: rows.float().to_sparse(),
        'csr': lambda: rows.float().to_sparse_csr(), 'requires grad': lambda: rows.float().requires_grad_(),
    }  # fmt: skip
    iou = text_iou(forms[kind]())
    assert torch.equal(iou, naive(ids).float())
    assert iou.dtype == torch.float32
    assert not iou.requires_grad


def test_explicit_zeros_and_repeated_entries_of_sparse_rows():
    rows = torch.sparse_coo_tensor(
        [[0, 0, 1, 1, 1], [2, 5, 2, 5, 2]], [1.0, 0.0, 1.0, 1.0, 1.0], (2, 9), check_invariants=True
    )
    assert torch.equal(text_iou(rows), torch.tensor([[1.0, 0.5], [0.5, 1.0]]))


def test_captions_without_phrase():
    iou = text_iou(multi_hot([[], [], [4]]))
    assert torch.equal(iou, torch.eye(3))
    assert torch.equal(text_iou(torch.zeros(2, 0, dtype=torch.bool)), torch.eye(2))
    assert text_iou(multi_hot([])).shape == (0, 0)


def test_symmetric_bounded_and_independent_of_order():
    rows = multi_hot(batch_of(random.Random(1), 50, 30))
    iou = text_iou(rows)
    assert torch.equal(iou, iou.T)
    assert iou.min() >= 0
    assert iou.max() == 1
    order = torch.randperm(50, generator=torch.Generator().manual_seed(0))
    columns = torch.randperm(rows.size(1), generator=torch.Generator().manual_seed(1))
    assert torch.equal(text_iou(rows[order][:, columns]), iou[order][:, order])


def test_autocast_does_not_round_counts():
    rows = torch.ones(2, 1000, dtype=torch.bool)
    rows[1, 999] = False
    with torch.autocast('cpu', dtype=torch.bfloat16):
        iou = text_iou(rows)
    assert iou.dtype == torch.float32
    assert iou[0, 1] == torch.tensor(0.999)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a GPU')
def test_gpu_equals_cpu():
    rows = multi_hot(batch_of(random.Random(7), 100, 300))
    assert torch.equal(text_iou(rows.cuda()).cpu(), text_iou(rows))
    assert torch.equal(text_iou(rows.float().to_sparse().cuda()).cpu(), text_iou(rows))


def test_input_is_left_alone():
    rows = multi_hot([[1, 2], [2, 3]]).float()
    before = rows.clone()
    text_iou(rows)
    assert torch.equal(rows, before)


@pytest.mark.parametrize('shape', [(3,), (2, 2, 2)])
def test_bad_shape(shape):
    with pytest.raises(ValueError, match='must have shape'):
        text_iou(torch.zeros(shape))


def test_multi_hot_renumbers_to_the_batch():
    rows = multi_hot([torch.tensor([900, 3], dtype=torch.int32), [3, 3], np.array([], dtype=np.int32), (7,)])
    wanted = [[True, False, True], [True, False, False], [False] * 3, [False, True, False]]
    assert rows.dtype == torch.bool
    assert rows.tolist() == wanted
    assert multi_hot([[], []]).shape == (2, 0)


def test_multi_hot_over_all_phrases():
    ids = batch_of(random.Random(9), 20, 40)
    rows = multi_hot(ids, num_phrases=45)
    assert rows.shape == (20, 45)
    assert [row.nonzero().flatten().tolist() for row in rows] == [sorted(row) for row in ids]
    assert torch.equal(text_iou(rows), text_iou(multi_hot(ids)))
    assert multi_hot([[]], num_phrases=3).tolist() == [[False] * 3]
    with pytest.raises(ValueError, match=r'ids\[1\] must hold integers from 0 to 6, but got 7'):
        multi_hot([[6], [0, 7]], num_phrases=7)


@pytest.mark.parametrize(
    ('ids', 'message'),
    [
        ([[1], [2, -3]], r'ids\[1\] must hold integers of at least 0, but got -3'),
        ([[1], [0.5]], r'ids\[1\] must be a list of integers'),
        ([[1], 'ab'], r'ids\[1\] must be a list of integers'),
        ([[[1, 2]]], r'ids\[0\] must be a list of integers'),
    ],
)
def test_bad_ids(ids, message):
    with pytest.raises(ValueError, match=message):
        multi_hot(ids)
