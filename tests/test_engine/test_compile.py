"""compile=True compiles the encoders for training, and nothing that works on lists of captions."""

from __future__ import annotations

import pytest
import torch
from mmengine.runner import Runner
from torch import nn

from mmt2ireid.engine.compile import compile_encoders
from mmt2ireid.engine.launch import build_runner, run


@pytest.fixture
def compiled(monkeypatch):
    """Names of what is called in its compiled form."""
    called = []

    def compile_(function, **settings):
        def call(*args, **kwargs):
            called.append((type(function.__self__).__name__, settings))
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(torch, 'compile', compile_)
    return called


def test_encoders_are_compiled_in_training_alone(make_cfg, compiled, tmp_path):
    run(make_cfg(epochs=1, compile=True), Runner.train)
    assert compiled == [('Sequential', {})] * 4
    run(make_cfg(compile=True, load_from=str(tmp_path / 'work' / 'epoch_1.pth')), Runner.test)
    assert len(compiled) == 4


def test_compiled_training_equals_the_plain_one(make_cfg, tmp_path):
    weights = []
    for number, setting in enumerate((None, dict(backend='eager'))):
        cfg = make_cfg(epochs=1, work_dir=tmp_path / str(number), model__dropout=0.0, compile=setting)
        weights.append(run(cfg, lambda runner: runner.train().state_dict()))
    assert list(weights[0]) == list(weights[1])
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], atol=1e-6), name


def test_arguments_reach_torch(compiled):
    model = nn.ModuleDict(dict(image_encoder=nn.Linear(2, 2), inner=nn.ModuleDict(dict(text_encoder=nn.ReLU()))))
    assert compile_encoders(model, dict(dynamic=True)) == ['image_encoder', 'inner.text_encoder']
    model['image_encoder'](torch.ones(1, 2))
    assert compiled == [('Linear', dict(dynamic=True))]
    assert compile_encoders(model, False) == []


def test_a_model_without_encoders_is_compiled_as_mmengine_does(make_cfg, monkeypatch):
    runner, seen = build_runner(make_cfg(compile=True)), []
    monkeypatch.setattr(Runner, '_maybe_compile', lambda self, target: seen.append(target))
    runner.model = nn.Linear(2, 2)
    runner._maybe_compile('train_step')
    assert seen == ['train_step']


def test_bad_setting():
    with pytest.raises(ValueError, match=r"compile must be True, False or a dict of .*, but got 'yes'"):
        compile_encoders(nn.Linear(2, 2), 'yes')
