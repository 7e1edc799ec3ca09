from __future__ import annotations

import pytest
import torch
from mmengine.runner import save_checkpoint
from torch import nn

from mmt2ireid.engine.checkpoint_fit import compare
from mmt2ireid.engine.hooks.checkpoint_guard import CheckpointGuardHook
from mmt2ireid.engine.launch import build_runner
from mmt2ireid.engine.runner import CheckedRunner


def weights(make_cfg, **model):
    """The state dict of another tiny model."""
    from tiny_parts import TinyModel

    torch.manual_seed(7)
    return TinyModel(**model).state_dict()


def start(make_cfg, tmp_path, state, *, resume=False, mode='train', allow_missing=()):
    save_checkpoint(
        dict(
            state_dict=state,
            optimizer={},
            meta=dict(epoch=0, iter=0, seed=0),
            message_hub=dict(log_scalars={}, runtime_info={}, resumed_keys={}),
        ),
        str(tmp_path / 'start.pth'),
    )
    cfg = make_cfg(epochs=1, load_from=str(tmp_path / 'start.pth'), resume=resume)
    cfg.custom_hooks[1].allow_missing = allow_missing
    runner = build_runner(cfg)
    getattr(runner, mode)()
    return runner


def test_fitting_checkpoint_passes(make_cfg, tmp_path):
    state = weights(make_cfg)
    runner = start(make_cfg, tmp_path, state, mode='test')
    assert torch.equal(runner.model.state_dict()['heads.id.weight'], state['heads.id.weight'])


def test_fine_tuning_drops_heads_of_another_shape(make_cfg, tmp_path, monkeypatch):
    state = {f'module.{key}': value for key, value in weights(make_cfg, num_classes=9).items()}
    state['module.heads.mlm.weight'] = torch.ones(3)
    loaded = {}
    monkeypatch.setattr(
        CheckedRunner,
        '_maybe_compile',
        lambda runner, _: loaded.update({key: value.clone() for key, value in runner.model.state_dict().items()}),
    )
    runner = start(make_cfg, tmp_path, state)
    assert torch.equal(loaded['image_encoder.0.weight'], state['module.image_encoder.0.weight'])
    assert loaded['heads.id.weight'].shape == (6, 16)
    log = next((tmp_path / 'work').glob('*/*.log')).read_text()
    assert 'of another shape in heads.id: 2 (heads.id.weight (9, 16) instead of (6, 16), ' in log
    assert 'unexpected in heads.mlm: 1 (heads.mlm.weight)' in log
    assert runner.iter == 4


def test_fine_tuning_needs_the_encoders(make_cfg, tmp_path):
    state = weights(make_cfg, width=12)
    with pytest.raises(ValueError, match=r'of another shape in image_encoder: 4 \(image_encoder.0.weight \(12, 8\)'):
        start(make_cfg, tmp_path, state)
    state = {key: value for key, value in weights(make_cfg).items() if not key.startswith('image_encoder')}
    with pytest.raises(ValueError, match=r'missing in image_encoder: 4 \(.*, \.\.\.\)'):
        start(make_cfg, tmp_path, state)


def test_exceptions_may_be_missing(make_cfg, tmp_path):
    state = weights(make_cfg)
    state['image_encoder.0.weight'] = torch.ones(2, 2)
    del state['image_encoder.0.bias']
    assert start(make_cfg, tmp_path, state, allow_missing=['image_encoder']).iter == 4


def test_resuming_needs_everything(make_cfg, tmp_path):
    with pytest.raises(ValueError, match=r'to be resumed, but\n.*of another shape in heads.id: 2'):
        start(make_cfg, tmp_path, weights(make_cfg, num_classes=9), resume=True)


def test_weights_alone_cannot_be_resumed(make_cfg, tmp_path):
    torch.save(weights(make_cfg), tmp_path / 'start.pth')
    with pytest.raises(ValueError, match=r'start\.pth must hold the state of a run to be resumed, but holds weights'):
        build_runner(make_cfg(epochs=1, load_from=str(tmp_path / 'start.pth'), resume=True)).train()


@pytest.mark.parametrize('content', [[1, 2], 5, dict(state_dict=3), {1: torch.ones(1)}])
def test_file_without_weights_is_named(make_cfg, tmp_path, content):
    torch.save(content, tmp_path / 'start.pth')
    runner = build_runner(make_cfg(epochs=1, load_from=str(tmp_path / 'start.pth')))
    with pytest.raises(ValueError, match=r'start\.pth must hold tensors by name'):
        runner.test()


def test_testing_needs_the_heads(make_cfg, tmp_path):
    state = weights(make_cfg)
    del state['heads.id.bias']
    with pytest.raises(ValueError, match=r'to be tested, but\n  missing in heads.id: 1 \(heads.id.bias\)'):
        start(make_cfg, tmp_path, state, mode='test')
    state = dict(weights(make_cfg), **{'heads.mlm.weight': torch.ones(1)})
    start(make_cfg, tmp_path, state, mode='test')


def test_what_a_module_adapts_itself_fits():
    class Grid(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.pos_embed = nn.Parameter(torch.zeros(1, size, 2))
            self._register_load_state_dict_pre_hook(self._resize)

        def _resize(self, state, prefix, *args):
            state[prefix + 'pos_embed'] = state[prefix + 'pos_embed'][:, : self.pos_embed.shape[1]]

    model, other = nn.ModuleDict(dict(image_encoder=Grid(3))), nn.ModuleDict(dict(image_encoder=Grid(5)))
    state = other.state_dict()
    assert not compare(model, state)
    assert state['image_encoder.pos_embed'].shape[1] == 5
    assert compare(other, model.state_dict()).misshapen


def test_counters_of_batch_norms_are_not_missed():
    model = nn.BatchNorm1d(2)
    state = model.state_dict()
    del state['num_batches_tracked']
    assert not compare(model, state)


def test_bad_option():
    with pytest.raises(ValueError, match='allow_missing must be a list'):
        CheckpointGuardHook(allow_missing='text_encoder')
