"""A training step computes nothing in float64, which Apple's MPS has not and GPUs are slow at."""

from __future__ import annotations

import pytest
import torch
from cmmt_builders import draw_embeds, features_of, targets_of
from model_builders import HEADS, build_dual_encoder, make_batch
from test_cmmt_no_host_sync import HEADS as CMMT_HEADS
from test_cmmt_no_host_sync import LABELS
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mmt2ireid.engine.hooks.deferred_runtime_info import DeferredRuntimeInfoHook
from mmt2ireid.registry import MODELS


class RecordFloat64(TorchDispatchMode):
    """Keeps the names of the operators that give float64 tensors."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if any(isinstance(leaf, torch.Tensor) and leaf.dtype == torch.float64 for leaf in tree_leaves(out)):
            self.found.append(str(func))
        return out


def test_the_check_finds_a_breach():
    with RecordFloat64() as record:
        torch.ones(2).double().sum()
    assert len(record.found) == 2


def test_a_step_of_a_model():
    model = build_dual_encoder()
    batch = make_batch(6)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    with RecordFloat64() as record:
        losses = model(**model.data_preprocessor(batch), mode='loss')
        sum(losses.values()).backward()
        optimizer.step()
    assert len(losses) == 1 + len(HEADS) and record.found == []


@pytest.mark.parametrize('name', CMMT_HEADS)
def test_heads_of_cmmt(name):
    head = MODELS.build(CMMT_HEADS[name])
    if name == 'memory':
        head.img_memory.set_features(draw_embeds(8)[0].float())
        head.txt_memory.set_features(draw_embeds(8)[1].float())
        head.txt_memory.set_labels(torch.tensor([0, 0, 1, -1, 1, 2, 2, -1]))
    img, txt = (embeds.float().requires_grad_() for embeds in draw_embeds())
    features, targets = features_of(img, txt), targets_of(6, pids=[abs(label) for label in LABELS])
    with RecordFloat64() as record:
        sum(head.loss(features, targets).values()).backward()
    assert record.found == []


@pytest.mark.parametrize('name', ['memory', 'mutual'])
def test_no_state_in_float64(name):
    """Numbers that are frozen during clustering are kept as bits: no such buffer can be moved to MPS."""
    mutual = dict(type='mmt2ireid.MutualTeachingHead', num_images=8, num_captions=8, dim=5)
    head = MODELS.build(dict(CMMT_HEADS, mutual=mutual)[name])
    assert [key for key, value in head.state_dict().items() if value.dtype == torch.float64] == []
    value, other = 0.1 + 0.2, 1 / 3
    {'memory': lambda: head.set_thresholds((value, other)), 'mutual': lambda: head.set_eps((value, other))}[name]()
    assert (head.thresholds if name == 'memory' else head.eps).tolist() == [value, other]


def test_losses_on_their_way_to_the_log():
    kept = {}
    hub = type('Hub', (), dict(update_scalar=lambda self, name, value: kept.update({name: value})))()
    runner = type('Runner', (), dict(message_hub=hub))()
    hook = DeferredRuntimeInfoHook(interval=1)
    hook._pending = [dict(loss=torch.tensor(0.1), half=torch.tensor([1, 2], dtype=torch.bfloat16), count=3)]
    with RecordFloat64() as record:
        hook._flush(runner)
    assert record.found == []
    assert kept == {'train/loss': float(torch.tensor(0.1)), 'train/half': 1.5, 'train/count': 3}
