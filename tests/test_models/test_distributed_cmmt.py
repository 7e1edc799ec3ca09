"""CMMT's heads on two gloo processes against one process with the joint batch; the memories on both ranks."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from cmmt_builders import draw_embeds, draw_phrases
from mmengine.model import MMDistributedDataParallel
from model_builders import NUM_CLASSES, build_dual_encoder, make_batch

from mmt2ireid.models.losses import SoftCrossEntropyLoss, SoftmaxTripletLoss

RANKS, PER_RANK, STEPS = 2, 5, 3
JOINT = RANKS * PER_RANK
INSTANCES, DIM = 12, 16
HARD_MINING = dict(type='mmt2ireid.HardMiningHead', loss=dict(type='mmt2ireid.HardMiningLoss', ratio=0.3))
CPM = dict(type='mmt2ireid.ProjectionMatchingHead')
MEMORY = dict(type='mmt2ireid.MemoryHead', num_images=INSTANCES, num_captions=INSTANCES, dim=DIM)
CASES = {
    **{source: {'cpm': dict(CPM, soft_labels=source)} for source in ('text_iou', 'identity', 'label')},
    **{source: {'cpm': dict(CPM, soft_labels=source)} for source in ('text_embedding', 'image_embedding')},
    'cmpm': {'cpm': dict(CPM, soft_labels='label', loss=dict(type='mmt2ireid.CPMLoss', bidirectional=True))},
    'cmpc': {'cmpc': dict(type='mmt2ireid.CMPCHead', num_classes=NUM_CLASSES, in_channels=DIM)},
    'hard_mining': {'hsm': HARD_MINING},
    'text_regression': {'regression': dict(type='mmt2ireid.TextRegressionHead')},
    'memory': {'memory': MEMORY},
    'cmmt': {'memory': MEMORY, 'cpm': CPM, 'hsm': HARD_MINING},
}
LOCAL = {'loss_cmpc', 'loss_text_regression', 'loss_memory_img', 'loss_memory_txt'}  # each rank reports its share
IMAGES = torch.tensor([0, 3, 0, 7, 9, 3, 0, 10, 11, 9])  # some twice on a rank, some on both
CAPTIONS = torch.tensor([1, 3, 2, 5, 4, 7, 6, 11, 0, 4])
CLUSTERS = torch.tensor([0, 1, -1, 1, 0, 2, 2, -1, 2, 0, 1, -1])
MOTIONS = ('soft', 'hard', 'cross_entropy')


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def run(case: str, dtype: torch.dtype, first: int, last: int, distributed: bool) -> dict:
    """Losses and gradients of pairs first..last of one fixed joint batch, over a few steps of SGD; the memories."""
    model = build_dual_encoder(CASES[case]).to(dtype)
    memories = [module for name, module in model.named_modules() if name.endswith('_memory')]
    for seed, memory in enumerate(memories):
        memory.set_features(random(INSTANCES, DIM, seed=seed))
        memory.set_labels(CLUSTERS)
    module = model
    if distributed:  # alone, the regression leaves the text encoder unused; buffers must be equal by themselves
        unused = case == 'text_regression'
        module = MMDistributedDataParallel(
            module=model, device_ids=None, broadcast_buffers=False, find_unused_parameters=unused
        )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    steps = []
    for number in range(STEPS):
        data = make_batch(JOINT, seed=3 + number, longest=16, masked=False)
        inputs = model.data_preprocessor({key: value[first:last] for key, value in data.items()})['inputs']
        chosen = slice(first, last)
        phrases = draw_phrases(JOINT, seed=number)[chosen]
        targets = replace(inputs.targets, image_ids=IMAGES[chosen], sample_idx=CAPTIONS[chosen], phrases=phrases)
        optimizer.zero_grad()
        losses = module(replace(inputs, targets=targets), mode='loss')
        sum(losses.values()).backward()
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        steps.append(
            dict(
                losses={key: value.detach() for key, value in losses.items()},
                gradients={name: None if grad is None else grad.clone() for name, grad in gradients.items()},
            )
        )
        optimizer.step()
    return dict(steps=steps, memories=[memory.features for memory in memories])


def mutual(first: int, last: int) -> dict:
    """MMT's losses and gradients with respect to features first..last."""
    embed, teacher = (x[first:last] for x in draw_embeds(JOINT, 6))
    labels = torch.tensor([0, 1, 2, -1, 0, 1, 0, 2, -1, 2])[first:last]
    results = {}
    for name in MOTIONS:
        x = embed.clone().requires_grad_()
        if name == 'cross_entropy':
            loss = SoftCrossEntropyLoss()(x, teacher)
        else:
            loss = SoftmaxTripletLoss()(x, labels, teacher if name == 'soft' else None)
        loss.backward()
        results[name] = loss.detach(), x.grad
    return results


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=RANKS)
    first, last = rank * PER_RANK, (rank + 1) * PER_RANK
    results = {
        (case, dtype): run(case, dtype, first, last, distributed=True)
        for case in CASES
        for dtype in (torch.float64, torch.float32)
    }
    torch.save(dict(runs=results, mutual=mutual(first, last)), f'{folder}/rank{rank}.pt')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    mp.spawn(work, args=(str(folder),), nprocs=RANKS)
    # Our own files of a moment ago.
    return [torch.load(Path(folder) / f'rank{rank}.pt', weights_only=False) for rank in range(RANKS)]


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('case', CASES)
def test_two_ranks_equal_one_process(ranks, case, dtype):
    tolerance = 1e-4 if dtype == torch.float32 else 1e-9
    runs = [rank['runs'][case, dtype] for rank in ranks]
    joint = run(case, dtype, 0, JOINT, distributed=False)
    for number, expected in enumerate(joint['steps']):
        steps = [result['steps'][number] for result in runs]
        for key, value in expected['losses'].items():
            assert value > 0
            values = [step['losses'][key] for step in steps]
            if key in LOCAL:
                assert values[0] != values[1]
                values = [sum(values) / RANKS]
            for got in values:
                torch.testing.assert_close(got, value, atol=tolerance, rtol=tolerance)
        for step in steps:
            for name, gradient in expected['gradients'].items():
                if gradient is None:
                    continue
                torch.testing.assert_close(
                    step['gradients'][name], gradient, atol=tolerance, rtol=tolerance, msg=f'step {number}: {name}'
                )


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('case', ['memory', 'cmmt'])
def test_memories_are_equal_on_all_ranks(ranks, case, dtype):
    first, second = (rank['runs'][case, dtype]['memories'] for rank in ranks)
    joint = run(case, dtype, 0, JOINT, distributed=False)['memories']
    start = [torch.nn.functional.normalize(random(INSTANCES, DIM, seed=seed), dim=1) for seed in range(2)]
    tolerance = 1e-4 if dtype == torch.float32 else 1e-9
    assert len(first) == len(joint) == 2
    for a, b, expected, before, index in zip(first, second, joint, start, (IMAGES, CAPTIONS), strict=True):
        assert torch.equal(a, b)  # to the last bit
        torch.testing.assert_close(a, expected, atol=tolerance, rtol=tolerance)
        changed = (a.double() - before).abs().amax(1) > 1e-3
        assert changed.tolist() == [row in index for row in range(INSTANCES)]


@pytest.mark.parametrize('name', MOTIONS)
def test_mutual_losses(ranks, name):
    expected, gradient = mutual(0, JOINT)[name]
    values, gradients = zip(*(rank['mutual'][name] for rank in ranks), strict=True)
    assert expected > 0
    torch.testing.assert_close(sum(values) / RANKS, expected)
    # What DistributedDataParallel would make of them: the mean over ranks.
    torch.testing.assert_close(torch.cat(gradients) / RANKS, gradient)
