from __future__ import annotations

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import distributed

from mmt2ireid.compat import use_device
from mmt2ireid.engine import launch, options
from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.engine.report import markdown_table, write_json


@pytest.fixture
def one_rank(monkeypatch):
    import socket

    with socket.socket() as free:
        free.bind(('', 0))
        port = free.getsockname()[1]
    for name, value in dict(RANK=0, WORLD_SIZE=1, LOCAL_RANK=0, MASTER_ADDR='127.0.0.1', MASTER_PORT=port).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cpu')


def test_cpu_ranks_use_gloo_and_the_group_is_torn_down(make_cfg, one_rank):
    def train(runner):
        assert distributed.get_backend() == 'gloo'
        assert runner.model.device_ids is None and runner.model.find_unused_parameters
        runner.train()
        return runner.iter

    assert run(make_cfg(epochs=1, find_unused_parameters=True), train, launcher='pytorch') == 4
    assert not distributed.is_initialized()


def test_threads_of_the_group_may_finish_before_the_interpreter_ends(make_cfg, one_rank, monkeypatch):
    pauses = []

    def pause(seconds):
        assert not distributed.is_initialized()
        pauses.append(seconds)

    monkeypatch.setattr(launch.time, 'sleep', pause)
    run(make_cfg(), lambda runner: None, launcher='pytorch')
    assert pauses == [launch.GLOO_SETTLES_S]


def test_the_group_is_torn_down_after_an_error(make_cfg, one_rank):
    def fail(_):
        assert distributed.is_initialized()
        raise KeyError('mine')

    with pytest.raises(KeyError, match='mine'):
        run(make_cfg(), fail, launcher='pytorch')
    assert not distributed.is_initialized()


def test_several_calls_may_share_a_group(make_cfg, one_rank, monkeypatch):
    """A group that is started anew may find the addresses of the one before."""
    groups, destroyed = [], []
    start, destroy = distributed.init_process_group, distributed.destroy_process_group
    monkeypatch.setattr(distributed, 'init_process_group', lambda *a, **k: (groups.append(a), start(*a, **k)))
    monkeypatch.setattr(distributed, 'destroy_process_group', lambda: (destroyed.append(1), destroy()))
    with launch.shared_process_group():
        for name in ('one', 'two'):
            run(make_cfg(experiment_name=name), lambda runner: None, launcher='pytorch')
            assert distributed.is_initialized() and not destroyed
    assert (len(groups), len(destroyed)) == (1, 1) and not distributed.is_initialized()
    with pytest.raises(RuntimeError, match='on purpose'), launch.shared_process_group():
        run(make_cfg(experiment_name='three'), lambda runner: None, launcher='pytorch')
        raise RuntimeError('on purpose')
    assert not distributed.is_initialized()


def test_slurm_ranks_on_cpus(make_cfg, one_rank, monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'):
        monkeypatch.delenv(name)
    with pytest.raises(ValueError, match='SLURM_PROCID is not set'):
        build_runner(make_cfg(), 'slurm')
    for name, value in dict(SLURM_PROCID='0', SLURM_NTASKS='1', SLURM_NODELIST='n', SLURM_LOCALID='0').items():
        monkeypatch.setenv(name, value)
    assert run(make_cfg(), lambda runner: runner.world_size, launcher='slurm') == 1


@pytest.mark.parametrize(
    ('launcher', 'message'),
    [('mpi', "launcher must be one of .* but got 'mpi'"), ('pytorch', 'that torchrun did not start')],
)
def test_bad_launcher(make_cfg, monkeypatch, launcher, message):
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(ValueError, match=message):
        build_runner(make_cfg(), launcher)


def test_amp_on_a_cpu(make_cfg, monkeypatch):
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cpu')
    cfg = make_cfg(epochs=1)
    options.use_amp(cfg)
    options.use_amp(cfg)
    runner = build_runner(cfg)
    runner.train()
    assert type(runner.optim_wrapper).__name__ == 'CPUAmpOptimWrapper'


@pytest.mark.parametrize(
    ('bf16', 'dtype', 'scale'), [(True, 'bfloat16', dict(enabled=False)), (False, 'float16', 'dynamic')]
)
def test_amp_on_a_gpu(monkeypatch, bf16, dtype, scale):
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cuda')
    monkeypatch.setattr(torch.cuda, 'is_bf16_supported', lambda: bf16)
    cfg = Config(dict(optim_wrapper=dict(type='mmengine.OptimWrapper')))
    options.use_amp(cfg)
    assert cfg.optim_wrapper.to_dict() == dict(type='mmengine.AmpOptimWrapper', dtype=dtype, loss_scale=scale)


@pytest.mark.parametrize('kind', ['mmt2ireid.CPUAmpOptimWrapper', 'AmpOptimWrapper'])
def test_half_weights_and_amp_do_not_go_together(make_cfg, kind):
    cfg = make_cfg()
    cfg.model.text_encoder = dict(half_weights=True)
    cfg.optim_wrapper.type = kind
    with pytest.raises(ValueError, match='half_weights of the encoders must be False in mixed precision'):
        build_runner(cfg)
    cfg.optim_wrapper.type = 'OptimWrapper'
    options.check_precision(cfg)


def test_amp_on_apple_silicon(monkeypatch):
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'mps')
    cfg = Config(dict(optim_wrapper=dict(type='mmengine.OptimWrapper')))
    options.use_amp(cfg)
    assert cfg.optim_wrapper.type == 'mmt2ireid.MPSAmpOptimWrapper'
    options.use_amp(cfg)
    assert cfg.optim_wrapper.to_dict() == dict(type='mmt2ireid.MPSAmpOptimWrapper')


def test_the_device_can_be_chosen(make_cfg, monkeypatch):
    monkeypatch.setattr('mmengine.device.utils.DEVICE', 'cuda')  # restored by the fixture
    use_device('cpu')
    runner = build_runner(make_cfg(epochs=1))
    assert next(runner.model.parameters()).device.type == 'cpu'


def test_amp_of_an_unknown_wrapper():
    with pytest.raises(ValueError, match='must be OptimWrapper for mixed precision, but got Mine'):
        options.use_amp(Config(dict(optim_wrapper=dict(type='Mine'))))


def test_seed_and_learning_rate(make_cfg):
    cfg = make_cfg()
    options.set_seed(cfg, 7)
    assert cfg.randomness == dict(seed=7, deterministic=False)
    with pytest.raises(ValueError, match='seed must not be negative, but got -1'):
        options.set_seed(cfg, -1)
    with pytest.raises(ValueError, match='auto_scale_lr must hold base_batch_size'):
        options.set_auto_scale_lr(cfg)
    cfg.auto_scale_lr = dict(base_batch_size=64)
    options.set_auto_scale_lr(cfg)
    assert cfg.auto_scale_lr.enable


def data(train, test):
    return Config(dict(train_dataloader=dict(dataset=train), test_dataloader=dict(dataset=test)))


@pytest.mark.parametrize(
    ('train', 'test', 'warns'),
    [
        (dict(type='ICFGPEDES'), dict(type='RSTPReid'), True),
        (dict(type='mmengine.RepeatDataset', dataset=dict(type='mmt2ireid.RSTPReid')), dict(type='ICFGPEDES'), True),
        (
            dict(type='ConcatDataset', datasets=[dict(type='RSTPReid'), dict(type='CUHKPEDES')]),
            dict(type='ICFGPEDES'),
            True,
        ),
        (dict(type='ICFGPEDES'), dict(type='ICFGPEDES'), False),
        (dict(type='CUHKPEDES'), dict(type='ICFGPEDES'), False),
    ],
)
def test_datasets_from_the_same_images(train, test, warns, monkeypatch):
    said = []
    monkeypatch.setattr(options, 'print_log', lambda text, *_: said.append(text))
    assert options.check_image_sources(data(train, test)) is warns
    assert ['may share persons' in text for text in said] == [True] * warns


def test_no_data_no_warning():
    assert not options.check_image_sources(Config(dict(test_dataloader=None)))


def test_missing_split_and_metric(make_cfg):
    cfg = make_cfg()
    with pytest.raises(ValueError, match='must hold a RetrievalMetric'):
        options.set_features_file(cfg)
    cfg.val_dataloader = None
    with pytest.raises(ValueError, match="split must be one that the config evaluates, but got 'val'"):
        options.set_test_split(cfg, 'val')


def test_features_file(tmp_path):
    cfg = Config(dict(work_dir=str(tmp_path), test_evaluator=[dict(type='X'), dict(type='mmt2ireid.RetrievalMetric')]))
    assert options.set_features_file(cfg) == cfg.test_evaluator[1].out_file == str(tmp_path / 'features.safetensors')
    cfg.test_evaluator = dict(type='RetrievalMetric', out_file='mine')
    assert options.set_features_file(cfg) == 'mine'


def test_nothing_to_resume_starts_from_the_beginning(make_cfg, capsys):
    cfg = make_cfg()
    options.set_resume(cfg, 'auto')
    assert cfg.resume is False and cfg.load_from is None
    assert 'no complete checkpoint to resume' in capsys.readouterr().out


def test_config_file(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text('a = dict(b=1)\n')
    cfg = options.load_config(str(path), {'a.b': 2})
    assert cfg.a.b == 2 and cfg.work_dir == 'work_dirs/mine'
    assert options.load_config(str(path), None, 'there').work_dir == 'there'


def test_no_validation(make_cfg, tmp_path):
    cfg = make_cfg(epochs=1)
    options.without_validation(cfg)
    run(cfg, Runner.train)
    assert [path.name for path in (tmp_path / 'work').glob('*.pth')] == ['epoch_1.pth']


def test_table():
    assert markdown_table({'t2i/R1': 12.345, 't2i/mAP': 1, 'i2t/R1': 3.0}).splitlines() == [
        '| direction | R1 | mAP |',
        '| --- | ---: | ---: |',
        '| t2i | 12.35 | 1.00 |',
        '| i2t | 3.00 |  |',
    ]


def test_json(tmp_path):
    write_json(tmp_path / 'sub' / 'm.json', dict(a=torch.tensor(1.5)))
    assert (tmp_path / 'sub' / 'm.json').read_text() == '{\n  "a": 1.5\n}\n'


def test_default_runtime_names_what_exists(make_cfg):
    runner = build_runner(make_cfg(epochs=1))
    names = {type(hook).__name__ for hook in runner.hooks}
    assert names >= {
        'StepSeedHook',
        'CheckpointGuardHook',
        'IdentityCountHook',
        'NaNGuardHook',
        'SkippedImagesHook',
        'ProgressBarHook',
        'AtomicCheckpointHook',
        'DeferredRuntimeInfoHook',
        'LoggerHook',
    }
    assert 'RuntimeInfoHook' not in names and 'CheckpointHook' not in names


def test_loaders_without_workers(make_cfg):
    """The bases keep workers, which torch refuses where there are none."""
    cfg = make_cfg(epochs=1)
    cfg.train_dataloader.update(num_workers=0, persistent_workers=True, prefetch_factor=2)
    assert run(cfg, lambda runner: (runner.train(), runner.iter)[1]) == 4
