"""Settings that nothing reads are refused or warned of, and it is said where the value is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from mmt2ireid.engine import unread_settings
from mmt2ireid.engine.launch import build_runner
from mmt2ireid.engine.options import load_config
from mmt2ireid.engine.unread_settings import check_settings

ROOT = Path(__file__).resolve().parents[2]
TOY = str(ROOT / 'configs/toy/unipt_vit_toy_scratch.py')
PRETRAINING = str(ROOT / 'configs/unipt/deits_lupt.py')


@pytest.fixture
def said(monkeypatch):
    found = []
    monkeypatch.setattr(unread_settings, 'print_log', lambda text, *args, **kwargs: found.append(text))
    return found


@pytest.mark.parametrize(
    ('key', 'message'),
    [
        ('max_epochs', r"no run reads a setting 'max_epochs'\. Did you mean train_cfg\.max_epochs\?"),
        (
            'num_classes',
            r"no run reads 'num_classes' itself\. Change it where it was copied to: "
            r'model\.heads\.identity\.num_classes, model\.heads\.pgu\.num_classes$',
        ),
        (
            'dataset.data_root',
            r"reads 'dataset' itself\. Change it where it was copied to: train_dataloader\.dataset\.data_root, "
            r'val_dataloader\.dataset\.data_root, test_dataloader\.dataset\.data_root$',
        ),
        ('dataset', r'copied to: train_dataloader\.dataset, val_dataloader\.dataset, test_dataloader\.dataset$'),
        ('dataset.max_images', r'copied to: train_dataloader\.dataset\.max_images, val_'),
        ('train_dataloder.batch_size', r"'train_dataloder'\. Did you mean train_dataloader\.batch_size\?$"),
        ('tokenizer.max_length', r'copied to: train_dataloader\.dataset\.pipeline\.4\.tokenizer\.max_length, val_'),
        ('train_pipeline', r'copied to: train_dataloader\.dataset\.pipeline$'),
        ('train_pipeline.2.prob', r'copied to: train_dataloader\.dataset\.pipeline\.2\.prob$'),
        ('bert', r'copied to: model\.text_encoder\.config$'),
        ('lr', r'Did you mean optim_wrapper\.optimizer\.lr\?$'),
        ('batch_size', r'Did you mean train_dataloader\.batch_size, val_'),
        ('nothing.like_it', r"no run reads a setting 'nothing', and the config has none"),
        ('test_pipeline.1.scale', r'copied to: train_dataloader\.dataset\.pipeline\.1\.scale, val_'),
    ],
)
def test_changes_that_change_nothing(key, message, said):
    with pytest.raises(ValueError, match=f'--cfg-options {key}=3 would change nothing: .*{message}'):
        load_config(TOY, {key: 3})


@pytest.mark.parametrize(
    'changes',
    [
        {'train_cfg.max_epochs': 1},
        {'train_dataloader.batch_size': 4, 'log_level': 'ERROR'},
        {'find_unused_parameters': True, 'compile': True},
        {'model_wrapper_cfg.type': 'MMDistributedDataParallel'},
    ],
)
def test_changes_that_are_read(changes, said):
    load_config(TOY, changes)
    assert not said


def test_pipeline_of_a_config_without_loaders_to_test_with(said):
    load_config(PRETRAINING, {'test_pipeline.1.scale': (64, 192), 'amp': False})
    assert not said


def test_copies_of_equal_values_are_named(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text('warm = [0, 1.5]\nmodel = dict(type="X", schedule=dict(ends=warm), others=[1, dict(a=warm)])\n')
    with pytest.raises(ValueError, match=r'copied to: model\.schedule\.ends, model\.others\.1\.a$'):
        load_config(str(path), {'warm': 1})


def test_a_plugins_own_setting_is_let_through(tmp_path, said):
    path = tmp_path / 'mine.py'
    path.write_text('my_setting = dict(x=1)\n')
    assert load_config(str(path), {'my_setting.x': 2}).my_setting.x == 2
    assert said == ["--cfg-options my_setting.x=2: no run of this toolbox reads 'my_setting'"]


def test_names_in_files(tmp_path, said):
    path = tmp_path / 'leaf.py'
    path.write_text(
        f"_base_ = '{TOY}'\n"
        'train_dataloder = dict(batch_size=4)\n'
        'num_classes = 250\n'
        "train_pipeline = [dict(type='LoadPersonImage')]\n"
        'scale = 0.5\n'
        'train_cfg = dict(max_epochs=int(4 * scale))\n'
    )
    check_settings(Config.fromfile(path))
    assert sorted(said) == [
        "No run reads 'train_dataloder' of the config. Did you mean train_dataloader?",
        "leaf.py sets 'num_classes', but uses it nowhere, and no run reads it; to change it, set "
        'model.heads.identity.num_classes, model.heads.pgu.num_classes',
        "leaf.py sets 'train_pipeline', but uses it nowhere, and no run reads it",
    ]


@pytest.mark.parametrize(('part', 'key'), [('env_cfg', 'cudnn_benchmrk'), ('auto_scale_lr', 'base_batch')])
def test_unknown_keys_that_mmengine_does_not_look_at(make_cfg, part, key):
    with pytest.raises(ValueError, match=f"{part} must have keys of .*, but got '{key}'"):
        build_runner(make_cfg(**{part: {key: 3}}))


def test_launcher_has_an_option_of_its_own():
    with pytest.raises(ValueError, match='launcher=pytorch would change nothing: give --launcher pytorch'):
        load_config(TOY, dict(launcher='pytorch'))
