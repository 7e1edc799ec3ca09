"""The clustering of two gloo processes against that of one; errors of the main process reach both."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from cmmt_parts import TinyPeople, tiny_cmmt

RANKS = 2


def prepare(work_dir: str, distributed: bool):
    """The hook and the runner of one process, as training finds them."""
    from mmengine.runner import runner as module

    from mmt2ireid.engine.hooks import ClusteringHook
    from mmt2ireid.engine.launch import build_runner

    module.collect_env = dict
    # Sizes that the config leaves open are given once the model is wrapped.
    left_open = dict(model__heads__memory__num_images=None, model__heads__memory__num_captions=None)
    cfg = tiny_cmmt(Path(work_dir), epochs=2, **(left_open if distributed else {}))
    runner = build_runner(cfg, 'pytorch' if distributed else 'none')
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    hook = next(hook for hook in runner.hooks if isinstance(hook, ClusteringHook))
    hook.before_run(runner)
    hook.before_train(runner)
    return hook, runner


def memories(hook) -> dict:
    return {key: value.clone() for key, value in hook.head.state_dict().items()}


def cluster_memories(hook, runner, part: slice) -> dict:
    """The memories after a step on a part of a joint batch, and what clustering them gives."""
    generator = torch.Generator().manual_seed(0)
    for memory in (hook.head.img_memory, hook.head.txt_memory):
        rows = torch.randperm(memory.num_instances, generator=generator)[:8]
        embeds = memory.features[rows.flip(0)] + 0.1 * torch.randn(8, memory.dim, generator=generator)
        memory.update(embeds[part], rows[part])
    hook.features = 'memory'
    hook.before_train_epoch(runner)
    hook.features = 'model'
    return memories(hook)


def spoil(hook, rank: int) -> str:
    """An error that only the main process meets; what this process is told of it."""
    from mmt2ireid.engine.hooks import clustering

    original = clustering.refine_labels

    def fail(*args, **kwargs):
        raise ImportError('no such library')

    clustering.refine_labels = fail
    try:
        hook.before_train_epoch(hook.runner)
    except Exception as error:
        return f'{type(error).__name__}: {error}'
    finally:
        clustering.refine_labels = original
    return 'nothing'


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(RANKS))
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/rendezvous',
        rank=rank,
        world_size=RANKS,
        timeout=datetime.timedelta(seconds=60),
    )
    hook, runner = prepare(f'{folder}/ranks', distributed=True)
    hook.runner = runner
    model = runner.model.module
    # Each rank has gathered statistics of its own batches: those of the main process count.
    if rank:
        model.img_neck.norm.running_mean += 3
    hook.before_train_epoch(runner)
    results = dict(before=memories(hook), mean=model.img_neck.norm.running_mean.clone())
    results['memory'] = cluster_memories(hook, runner, slice(4 * rank, 4 * rank + 4))
    results['imported'] = spoil(hook, rank)
    model.txt_neck.linear.weight.data.fill_(torch.nan)
    try:
        hook.before_train_epoch(runner)
    except Exception as error:
        results['nan'] = f'{type(error).__name__}: {error}'
    model.txt_neck.linear.weight.data.fill_(0.1)
    hook.before_train_epoch(runner)  # and both still keep step
    results['shown'] = len(hook.loader)
    torch.save(results, f'{folder}/rank{rank}.pt')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    mp.spawn(work, args=(str(folder),), nprocs=RANKS)
    # Our own files of a moment ago.
    return [torch.load(folder / f'rank{rank}.pt', weights_only=False) for rank in range(RANKS)]


def test_two_ranks_equal_one_process(ranks, tmp_path):
    hook, runner = prepare(str(tmp_path), distributed=False)
    hook.before_train_epoch(runner)
    first, second = (rank['before'] for rank in ranks)
    wanted = memories(hook)
    assert list(first) == list(wanted)
    for key, value in wanted.items():
        assert torch.equal(first[key], second[key]), key  # to the last bit
        # An image that was read twice, in batches of other sizes, counts once.
        torch.testing.assert_close(first[key], value, atol=1e-6, rtol=1e-6)
    assert (wanted['img_memory.labels'] >= 0).any() and (wanted['txt_memory.labels'] >= 0).any()
    assert ranks[0]['shown'] == 2 < len(hook.loader)  # 13 images of each rank, 25 of one
    assert len(TinyPeople(unit='image')) == 25

    clustered = cluster_memories(hook, runner, slice(8))
    for key, value in clustered.items():
        assert torch.equal(ranks[0]['memory'][key], ranks[1]['memory'][key]), key
        torch.testing.assert_close(ranks[0]['memory'][key], value, atol=1e-6, rtol=1e-6)
    assert any(not torch.equal(wanted[key], value) for key, value in clustered.items() if key.endswith('labels'))


def test_statistics_are_those_of_the_main_process(ranks):
    assert torch.equal(ranks[0]['mean'], ranks[1]['mean'])
    assert ranks[1]['mean'].abs().max() < 1


def test_every_rank_hears_of_an_error(ranks):
    assert ranks[0]['imported'] == 'ImportError: no such library'
    assert ranks[1]['imported'] == 'RuntimeError: the main process failed with ImportError: no such library'
    assert ranks[0]['nan'].startswith('ValueError: ') and 'finite' in ranks[0]['nan']
    assert ranks[1]['nan'] == f'RuntimeError: the main process failed with {ranks[0]["nan"]}'
