"""The whole path on a small toy world, with the commands that users type: pre-train, fine-tune, test, picture."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from mmt2ireid.datasets.toy import ToyOptions, make_toy_pedes

ROOT = Path(__file__).resolve().parents[2]
SMALL = ['train_dataloader.batch_size=8', 'log_level=WARNING']


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """A folder to run the tools in, with data/toy_pedes of 16 training identities and a pool of 48 persons."""
    folder = tmp_path_factory.mktemp('toy')
    options = ToyOptions(train_ids=16, val_ids=4, test_ids=4, images_per_id=2, pool=48, second_ids=6)
    make_toy_pedes(folder / 'data' / 'toy_pedes', options, workers=0, progress=False)
    return folder


def start(world, *command):
    environment = {key: value for key, value in os.environ.items() if key not in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')}
    environment.update(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='', PYTHON=sys.executable, PYTHONPATH=str(ROOT))
    return subprocess.Popen(
        list(map(str, command)),
        cwd=world,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(world, *command):
    process = start(world, *command)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output[-4000:]
    return output


def train(config, work_dir, *arguments, epochs=2, options=()):
    schedule = [f'train_cfg.max_epochs={epochs}', 'train_cfg.val_interval=1', *SMALL, *options]
    path = ROOT / 'configs' / 'toy' / f'{config}.py'
    tool = ROOT / 'tools' / 'train.py'
    return [sys.executable, tool, path, '--work-dir', work_dir, '--seed', 1, *arguments, '--cfg-options', *schedule]


def weights(path):
    return torch.load(path, weights_only=True)['state_dict']


def test_from_pre_training_to_a_ranked_strip(world):
    run(world, *train('unipt_vit_pool', 'pool', epochs=1))
    start_from = ['load_from=pool/epoch_1.pth', 'model.heads.identity.num_classes=16', 'model.heads.pgu.num_classes=16']
    output = run(world, *train('unipt_vit_toy', 'toy', epochs=1, options=start_from))
    assert 'mlm' in output, 'says what of the checkpoint it has no use for'
    pool, toy = weights(world / 'pool/epoch_1.pth'), weights(world / 'toy/epoch_1.pth')
    assert any(key.startswith('heads.mlm') for key in pool)
    assert not any(key.startswith('heads.mlm') for key in toy)
    best = next((world / 'toy').glob('best_t2i_R1_*.pth'))
    tool, config = ROOT / 'tools' / 'test.py', ROOT / 'configs' / 'toy' / 'unipt_vit_toy.py'
    command = [sys.executable, tool, config, best, '--out', 'metrics.json', '--strip', 'strip.png']
    table = run(world, *command, '--cfg-options', *SMALL, *start_from[1:])
    metrics = json.loads((world / 'metrics.json').read_text())['metrics']
    for direction in ('t2i', 'i2t'):
        assert f'| {direction} |' in table
        assert 0 <= metrics[f'{direction}/R1'] <= metrics[f'{direction}/R10'] <= 100
    width, height = Image.open(world / 'strip.png').size
    assert width > 1000
    assert height > 500


@pytest.mark.slow
def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(world):
    """Kill -9 some time after each of the first three checkpoints; then resume to the end."""
    run(world, *train('unipt_vit_pool', 'whole', epochs=4))
    for epoch, wait in ((1, 0.0), (2, 0.3), (3, 0.6)):
        process = start(world, *train('unipt_vit_pool', 'killed', '--resume', epochs=4))
        deadline = time.time() + 120
        while not (world / f'killed/epoch_{epoch}.pth').exists() and process.poll() is None and time.time() < deadline:
            time.sleep(0.01)
        time.sleep(wait)
        assert process.poll() is None, 'too late to kill it'
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    run(world, *train('unipt_vit_pool', 'killed', '--resume', epochs=4))
    whole, killed = weights(world / 'whole/epoch_4.pth'), weights(world / 'killed/epoch_4.pth')
    assert list(whole) == list(killed)
    assert all(torch.equal(whole[key], killed[key]) for key in whole)


@pytest.mark.slow
def test_two_cpu_processes_equal_one(world):
    """`tools/dist_train.sh CONFIG 2` on the same pairs per step: the same weights but for rounding."""
    quiet = [
        'model.text_encoder.config.hidden_dropout_prob=0.0',
        'model.text_encoder.config.attention_probs_dropout_prob=0.0',
    ]
    run(world, *train('unipt_vit_pool', 'one', epochs=1, options=quiet))
    dist = ['bash', ROOT / 'tools/dist_train.sh', ROOT / 'configs/toy/unipt_vit_pool.py', 2, '--work-dir', 'two']
    halves = ['train_dataloader.batch_size=4', 'log_level=WARNING', 'train_cfg.max_epochs=1', *quiet]
    run(world, *dist, '--seed', 1, '--cfg-options', *halves)
    one, two = weights(world / 'one/epoch_1.pth'), weights(world / 'two/epoch_1.pth')
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=0, atol=2e-4, msg=lambda text, key=key: f'{key}: {text}')
