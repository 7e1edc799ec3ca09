"""Of epochs with the same R1 the one with the higher mAP is kept, also across a resume."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.runner import Runner

from mmt2ireid.apis.report.selection import best
from mmt2ireid.engine.launch import run
from mmt2ireid.engine.options import set_resume
from mmt2ireid.engine.tie_break import tie_metric, with_ties
from mmt2ireid.registry import METRICS


@METRICS.register_module()
class ScriptedMetric(BaseMetric):
    """Gives one row of a list after the other."""

    default_prefix = 't2i'
    rows: ClassVar[list[dict[str, float]]] = []

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return self.rows.pop(0)


def scripted(make_cfg, rows, **changes):
    ScriptedMetric.rows = [dict(zip(('R1', 'mAP'), row, strict=False)) for row in rows]
    return make_cfg(epochs=changes.pop('epochs', len(rows)), val_evaluator__type='ScriptedMetric', **changes)


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / 'work').glob('best_*.pth'))


@pytest.mark.parametrize(
    ('rows', 'wanted'),
    [
        ([(90, 99), (100, 50), (100, 70), (100, 60)], 3),
        ([(100, 50), (100, 50), (90, 99)], 1),
        ([(100, 70), (100, 60), (100.5, 1)], 3),
        ([(100,), (100,), (90,)], 1),
        ([(100,), (100, 70), (100, 80)], 1),  # it is not known whether that of the first is lower
    ],
)
def test_equal_epochs(make_cfg, tmp_path, rows, wanted):
    run(scripted(make_cfg, rows), Runner.train)
    assert kept(tmp_path) == [f'best_t2i_R1_epoch_{wanted}.pth']


def test_across_a_resume(make_cfg, tmp_path):
    run(scripted(make_cfg, [(100, 50), (100, 70)]), Runner.train)
    info = torch.load(tmp_path / 'work/epoch_2.pth', weights_only=True)['message_hub']['runtime_info']
    assert (info['best_score'], info['best_tie']) == (100, 70)
    cfg = scripted(make_cfg, [(100, 60), (100, 71)], epochs=4)
    set_resume(cfg, 'auto')
    run(cfg, Runner.train)
    assert kept(tmp_path) == ['best_t2i_R1_epoch_4.pth']


def test_of_several_metrics_and_of_the_first(make_cfg, tmp_path):
    cfg = scripted(make_cfg, [(100, 50), (100, 70)])
    cfg.default_hooks.checkpoint.update(save_best=['t2i/R1', 't2i/mAP'], rule=['less', 'greater'])
    run(cfg, Runner.train)
    assert kept(tmp_path) == ['best_t2i_R1_epoch_2.pth', 'best_t2i_mAP_epoch_2.pth']
    cfg = scripted(make_cfg, [(100, 50), (100, 70)], work_dir=tmp_path / 'auto')
    cfg.default_hooks.checkpoint.save_best = 'auto'
    run(cfg, Runner.train)
    assert [path.name for path in (tmp_path / 'auto').glob('best_*')] == ['best_t2i_R1_epoch_2.pth']


def test_selection_of_reports():
    rows = [(100, 50), (100, 70), (90, 99), (100, 70)]
    assert best([{'t2i/R1': r1, 't2i/mAP': ap} for r1, ap in rows], 't2i/R1') == 1
    assert best([{'t2i/R1': r1} for r1, _ in rows], 't2i/R1') == 0
    assert tie_metric('R1') == 'mAP' and not with_ties(float.__gt__, {}, 'x', None)(1.0, 1.0)
