"""What UniPT's configs say beyond that they build."""

from __future__ import annotations

import pytest
from test_configs import CONFIGS, load

FOLDER = CONFIGS / 'unipt'


@pytest.mark.parametrize(
    'row', [f'{encoder}_{data}' for encoder in ('deits', 'vitb16') for data in ('cuhk', 'icfg', 'rstp')]
)
def test_summed_ranking_losses_and_nothing_else(row):
    mean, summed = load(FOLDER / f'{row}.py'), load(FOLDER / f'{row}_sum.py')
    for heads in (mean.model.heads, summed.model.heads):
        found = [heads.ranking.loss.pop('reduction', None), heads.pgu.ranking_loss.pop('reduction', None)]
        assert found == ([None, None] if heads is mean.model.heads else ['sum', 'sum'])
    assert mean.to_dict() == summed.to_dict()
