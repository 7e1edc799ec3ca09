"""The command-line tools, on the tiny parts of the engine's tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / 'tests' / 'test_engine'
sys.path.insert(0, str(PARTS))

from crash_runs import load_tool  # noqa: E402
from tiny_config import tiny_config, write_config  # noqa: E402

TINY = dict(model__dropout=0.0, train_dataloader__dataset__length=24)


def environment(**extra):
    kept = {name: value for name, value in os.environ.items() if name not in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')}
    kept = {**kept, **extra}
    return dict(
        kept,
        OMP_NUM_THREADS='1',
        CUDA_VISIBLE_DEVICES='',
        PYTHON=sys.executable,
        PYTHONPATH=os.pathsep.join([str(ROOT), str(PARTS)]),
    )


def call(*command, **extra):
    done = subprocess.run(
        [str(part) for part in command], env=environment(**extra), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def weights(folder):
    path = folder / (folder / 'last_checkpoint').read_text()
    return torch.load(path, weights_only=True)['state_dict']


def use(name, *arguments):
    """A tool's main in this process."""
    load_tool(name).main([str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _quick_and_clean(monkeypatch):
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)
    monkeypatch.setenv('LOCAL_RANK', '0')


@pytest.fixture
def trained(tmp_path):
    """A config file and a working directory with its checkpoint."""
    config = write_config(tmp_path / 'one.py', tiny_config(tmp_path / 'x', train_dataloader__batch_size=8, **TINY))
    use('train', config, '--work-dir', tmp_path / 'one', '--seed', 3)
    return config, tmp_path / 'one'


def test_two_ranks_equal_one_process_with_the_joint_batch(tmp_path, trained):
    config = write_config(tmp_path / 'two.py', tiny_config(tmp_path / 'x', train_dataloader__batch_size=4, **TINY))
    call('bash', ROOT / 'tools/dist_train.sh', config, 2, '--work-dir', tmp_path / 'two', '--seed', '3')
    joint, split = weights(trained[1]), weights(tmp_path / 'two')
    assert list(joint) == list(split)
    for name in joint:
        assert torch.allclose(joint[name], split[name], rtol=0, atol=1e-5), name


def test_metrics_as_a_table_and_as_json(tmp_path, trained, capsys):
    config, work_dir = trained
    checkpoint = work_dir / 'epoch_4.pth'
    capsys.readouterr()
    use('test', config, checkpoint, '--work-dir', tmp_path / 'test', '--out', tmp_path / 'm.json', '--split', 'val')
    out = capsys.readouterr().out
    result = json.loads((tmp_path / 'm.json').read_text())
    assert f'| direction | R1 |\n| --- | ---: |\n| t2i | {result["metrics"]["t2i/R1"]:.2f} |' in out
    assert result['split'] == 'val' and result['checkpoint'] == str(checkpoint)


@pytest.mark.slow
def test_two_ranks_evaluate_as_one(tmp_path, trained):
    config, work_dir = trained
    checkpoint = work_dir / 'epoch_4.pth'
    out = call(
        'bash',
        ROOT / 'tools/dist_test.sh',
        config,
        checkpoint,
        2,
        '--work-dir',
        tmp_path / 'test',
        '--out',
        tmp_path / 'two.json',
    )
    assert out.count('| direction | R1 |') == 1
    call(
        sys.executable,
        ROOT / 'tools/test.py',
        config,
        checkpoint,
        '--work-dir',
        tmp_path / 'test',
        '--out',
        tmp_path / 'one.json',
    )
    results = [json.loads((tmp_path / name).read_text()) for name in ('one.json', 'two.json')]
    assert results[0] == results[1]


def test_options_reach_the_run(tmp_path, trained, monkeypatch):
    config, work_dir = trained
    seen = []
    train = load_tool('train')
    monkeypatch.setattr(train, 'run', lambda cfg, action, launcher: seen.append((cfg, launcher)))
    train.main([str(config), '--work-dir', str(tmp_path / 'new'), '--amp'])
    assert 'AmpOptimWrapper' in seen.pop()[0].optim_wrapper.type
    train.main(
        [
            str(config),
            '--work-dir',
            str(work_dir),
            '--resume',
            '--no-validate',
            '--auto-scale-lr',
            '--cfg-options',
            'train_cfg.max_epochs=9',
            'auto_scale_lr.base_batch_size=4',
        ]
    )
    cfg, launcher = seen[0]
    assert cfg.resume and cfg.load_from == str(work_dir / 'epoch_4.pth') and launcher == 'none'
    assert cfg.train_cfg.max_epochs == 9 and cfg.val_cfg is None and cfg.auto_scale_lr.enable
    assert cfg.randomness.seed == 3 and 'AmpOptimWrapper' not in cfg.optim_wrapper.type
    with pytest.raises(ValueError, match='was trained without mixed precision'):
        train.main([str(config), '--work-dir', str(work_dir), '--resume', '--amp'])


def test_strips_are_drawn_from_the_metrics_features(tmp_path, trained, monkeypatch):
    import mmt2ireid.visualization

    config, work_dir = trained
    drawn = []
    monkeypatch.setattr(mmt2ireid.visualization, 'ranked_strip_from_features', lambda *args: drawn.append(args))
    test = load_tool('test')
    monkeypatch.setattr(test.options, 'set_features_file', lambda cfg: f'{cfg.work_dir}/features.safetensors')
    test.main([str(config), str(work_dir / 'epoch_4.pth'), '--work-dir', str(work_dir), '--strip', 's.png'])
    assert drawn == [(f'{work_dir}/features.safetensors', 's.png')]


def test_strip_of_an_unknown_format_is_refused_before_the_evaluation(tmp_path, trained):
    config, work_dir = trained
    with pytest.raises(ValueError, match=r'name of a picture format, such as \.png, but got s\.xyz'):
        load_tool('test').main([str(config), str(work_dir / 'none.pth'), '--strip', 's.xyz'])


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh', 'slurm_train.sh', 'slurm_test.sh'])
def test_scripts_say_how_they_are_used(script):
    done = subprocess.run(['bash', str(ROOT / 'tools' / script)], capture_output=True, text=True)
    assert done.returncode == 2 and f'{script}' in done.stderr and 'usage:' in done.stderr


def test_bad_number_of_processes():
    done = subprocess.run(
        ['bash', str(ROOT / 'tools/dist_train.sh'), 'x.py', 'two'], capture_output=True, text=True, env=environment()
    )
    assert done.returncode == 2 and "must be a positive integer, but got 'two'" in done.stderr


def fake(folder, name):
    """A program that prints its arguments and the variables that the scripts set."""
    path = folder / name
    path.write_text(
        '#!/bin/sh\nif [ "$1" = -c ]; then echo 4242; exit; fi\n'
        'echo "OMP=$OMP_NUM_THREADS PYTHONPATH=$PYTHONPATH"\necho "$@"\n'
    )
    path.chmod(0o755)
    return path


def test_distributed_arguments(tmp_path):
    python = fake(tmp_path, 'python')
    variables = dict(environment(), PYTHON=str(python), NNODES='2', NODE_RANK='1', PORT='77', MASTER_ADDR='host')
    del variables['OMP_NUM_THREADS']
    command = ['bash', str(ROOT / 'tools/dist_train.sh'), 'a b.py', '1', '--amp']
    out = subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout
    assert (
        f'{ROOT}/tools/torchrun.py --nnodes 2 --node_rank 1 --master_addr host --master_port 77 --nproc_per_node 1 '
        f'{ROOT}/tools/train.py a b.py --amp --launcher pytorch'
    ) in out
    assert f'OMP={os.cpu_count()}' in out or f'OMP={len(os.sched_getaffinity(0))}' in out
    assert f'PYTHONPATH={ROOT}:' in out
    del variables['NNODES'], variables['PORT']
    assert '--master_port 4242' in subprocess.run(command, env=variables, capture_output=True, text=True).stdout


def test_slurm_arguments(tmp_path):
    fake(tmp_path, 'srun')
    variables = environment(PATH=f'{tmp_path}:{os.environ["PATH"]}', GPUS='4', SRUN_ARGS='--quiet --time 1')
    out = subprocess.run(
        ['bash', str(ROOT / 'tools/slurm_train.sh'), 'part', 'job', 'c.py', 'work', '--amp'],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (
        '--partition part --job-name job --gres gpu:4 --ntasks 4 --ntasks-per-node 4 --cpus-per-task 5 '
        f'--kill-on-bad-exit=1 --quiet --time 1 {sys.executable} -u {ROOT}/tools/train.py c.py --work-dir work '
        '--amp --launcher slurm'
    ) in out
    out = subprocess.run(
        ['bash', str(ROOT / 'tools/slurm_test.sh'), 'part', 'job', 'c.py', 'w.pth'],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f'-u {ROOT}/tools/test.py c.py w.pth --launcher slurm' in out
