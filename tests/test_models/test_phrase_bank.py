"""The bank of noun phrases against sets."""

import numpy as np
import pytest
import torch
from model_builders import build_dual_encoder

from mmt2ireid.models.layers import PhraseBank
from mmt2ireid.text import phrase_table

CAPTIONS = ['A man wears a red coat and a black bag.', 'It is.', 'A woman with a black bag.', 'A red coat, a red coat.']
SETS = [[3, 0, 2], [], [1], [4, 2], [0, 1, 2, 3, 4]]


def filled(sets=SETS, num_phrases=5):
    bank = PhraseBank()
    bank.fill(
        np.cumsum([0, *map(len, sets)]), np.array([one for ids in sets for one in ids], dtype=np.int64), num_phrases
    )
    return bank


def test_rows_are_the_sets():
    bank = filled()
    index = torch.tensor([4, 1, 0, 0, 3, 2])
    rows = bank.rows(index)
    assert rows.dtype == torch.bool and rows.shape == (6, 5)
    assert [row.nonzero().flatten().tolist() for row in rows] == [sorted(SETS[n]) for n in index]


def test_random_sets():
    rng = np.random.default_rng(0)
    sets = [rng.choice(40, rng.integers(0, 12), replace=False).tolist() for _ in range(100)]
    rows = filled(sets, 40).rows(torch.arange(100))
    assert [set(row.nonzero().flatten().tolist()) for row in rows] == [set(one) for one in sets]


def test_captions_without_any_phrase():
    rows = filled([[], []], 0).rows(torch.tensor([1, 0, 1]))
    assert rows.shape == (3, 0)
    assert not filled([[], []], 7).rows(torch.tensor([1])).any()


def test_filled_anew():
    bank = filled()
    bank.fill(np.array([0, 1]), np.array([1]), 2)
    assert bank.num_phrases == 2
    assert bank.rows(torch.tensor([0])).tolist() == [[False, True]]


@pytest.mark.parametrize('index', [-1, len(SETS)])
def test_captions_that_do_not_exist(index):
    with pytest.raises((IndexError, RuntimeError), match='out of range'):
        filled().rows(torch.tensor([index]))


def test_an_empty_bank_says_what_is_missing():
    with pytest.raises(RuntimeError, match='add NounPhraseHook to custom_hooks'):
        PhraseBank().rows(torch.tensor([0]))


def test_it_is_not_in_the_checkpoint_but_moves_with_the_model():
    bank = filled()
    assert not bank.state_dict()
    assert bank.to('meta').ids.device.type == 'meta'


def test_reading_captions(tmp_path):
    bank, again = PhraseBank(), PhraseBank()
    bank.read(CAPTIONS, tagger='embedded', cache_dir=tmp_path, progress=False)
    table = phrase_table(CAPTIONS, tagger='embedded', progress=False)
    rows = bank.rows(torch.arange(4))
    assert rows.shape == (4, table.num_phrases)
    wanted = [table.indices[table.indptr[n] : table.indptr[n + 1]].tolist() for n in range(4)]
    assert [row.nonzero().flatten().tolist() for row in rows] == [sorted(one) for one in wanted]
    assert (rows[0] & rows[2]).any() and not rows[1].any()
    assert len(list(tmp_path.iterdir())) == 1
    again.read(CAPTIONS, tagger='embedded', cache_dir=tmp_path, progress=False)
    assert torch.equal(bank.ids, again.ids)


def test_only_models_whose_heads_need_it_have_one():
    cpm = dict(type='mmt2ireid.ProjectionMatchingHead')
    assert build_dual_encoder({'cpm': dict(cpm, soft_labels='text_iou')}).phrase_bank is not None
    assert build_dual_encoder({'cpm': dict(cpm, soft_labels='identity')}).phrase_bank is None
