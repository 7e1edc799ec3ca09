"""Mutual mean teaching on two gloo ranks: labels and teachers are equal, losses and gradients those of one process."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.model import MMDistributedDataParallel
from mmt_parts import tiny_mmt

from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairInputs, PairTargets

RANKS, PER_RANK = 2, 6
JOINT = RANKS * PER_RANK


def train(work_dir: str, distributed: bool) -> dict:
    """The model at the end of two epochs."""
    from mmengine.runner import runner as module

    from mmt2ireid.engine.launch import build_runner

    module.collect_env = dict
    changes = dict(train_dataloader__sampler__num_clusters=1, train_dataloader__batch_size=4)
    runner = build_runner(tiny_mmt(Path(work_dir), epochs=2, **changes), 'pytorch' if distributed else 'none')
    model = runner.train()
    return {key: value.clone() for key, value in getattr(model, 'module', model).state_dict().items()}


def step(first: int, last: int, distributed: bool) -> dict:
    """Losses and gradients of pairs first..last of one fixed batch, without statistics of the batch, in float64."""
    torch.manual_seed(0)
    model = MODELS.build(tiny_mmt(Path('unused')).model).double()
    model.train()
    for module in model.modules():
        if isinstance(module, (torch.nn.Dropout, torch.nn.modules.batchnorm._BatchNorm)):
            module.eval()
    generator = torch.Generator().manual_seed(1)
    head, numbers = model.heads['mutual'], torch.arange(JOINT)
    labels = []
    for size in (len(head.img_labels), len(head.txt_labels)):
        found = torch.arange(size) % 4
        found[1::5] = -1  # not as many on the one rank as on the other
        labels.append(found)
    head.set_labels(*labels, *(torch.randn(len(x), head.dim, generator=generator) for x in labels))
    ids = torch.randint(5, 20, (JOINT, 3), generator=generator)
    images = torch.randn(JOINT, 3, 2, 2, generator=generator, dtype=torch.float64)
    part = slice(first, last)
    count = last - first
    targets = PairTargets(torch.full((count,), -1), numbers[part], 2 * numbers[part])
    inputs = PairInputs(images[part], ids[part], ids[part] > 0, (1,) * count, targets)
    module = MMDistributedDataParallel(module=model, device_ids=None, broadcast_buffers=False) if distributed else model
    losses = module(inputs, mode='loss')
    sum(losses.values()).backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    return dict(losses={key: value.detach() for key, value in losses.items()}, gradients=gradients)


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(RANKS))
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/rendezvous',
        rank=rank,
        world_size=RANKS,
        timeout=datetime.timedelta(seconds=120),
    )
    results = dict(
        step=step(rank * PER_RANK, (rank + 1) * PER_RANK, distributed=True),
        model=train(f'{folder}/ranks', distributed=True),
    )
    torch.save(results, f'{folder}/rank{rank}.pt')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    mp.spawn(work, args=(str(folder),), nprocs=RANKS)
    # Our own files of a moment ago.
    return [torch.load(folder / f'rank{rank}.pt', weights_only=False) for rank in range(RANKS)]


def test_labels_weights_and_teachers_are_equal_on_all_ranks(ranks):
    first, second = (rank['model'] for rank in ranks)
    differing = {key for key, value in first.items() if not torch.equal(value, second[key])}
    # Each rank's networks have statistics of their own batches; the teachers have those of the main process.
    assert differing and all(key.startswith('networks.') and '.running_' in key for key in differing)
    assert (first['heads.mutual.img_labels'] >= 0).any() and (first['heads.mutual.txt_labels'] >= 0).any()
    for key, value in first.items():
        if key.startswith('teachers.0.') and value.is_floating_point():
            assert not torch.equal(value, first[key.replace('teachers', 'networks')]), key


def test_losses_and_gradients_are_those_of_the_joint_batch(ranks):
    joint, steps = step(0, JOINT, distributed=False), [rank['step'] for rank in ranks]
    for key, value in joint['losses'].items():
        assert value > 0
        torch.testing.assert_close(sum(found['losses'][key] for found in steps) / RANKS, value)
    assert steps[0]['losses']['loss_id_img'] != steps[1]['losses']['loss_id_img']
    for found in steps:
        for name, gradient in joint['gradients'].items():
            torch.testing.assert_close(found['gradients'][name], gradient, msg=name)
