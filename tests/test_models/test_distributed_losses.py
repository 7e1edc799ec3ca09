"""Two gloo processes against one process with the joint batch: losses and the gradient of every parameter."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.model import MMDistributedDataParallel
from model_builders import HEADS, build_dual_encoder, make_batch

from mmt2ireid.models.layers import gather, gather_with_grad

RANKS, PER_RANK = 2, 5
FIXED_SCALE = dict(type='mmt2ireid.ContrastiveHead', loss=dict(type='mmt2ireid.ContrastiveLoss'))
RANKING = dict(type='mmt2ireid.RankingLoss', margin=0.9)
CASES = {
    'contrastive': {'contrastive': HEADS['contrastive']},
    'contrastive_fixed_scale': {'contrastive': FIXED_SCALE},
    'mlm': {'mlm': HEADS['mlm']},
    'identity': {'identity': HEADS['identity']},
    'ranking': {'ranking': dict(HEADS['ranking'], loss=RANKING)},
    'ranking_sum': {'ranking': dict(HEADS['ranking'], loss=dict(RANKING, reduction='sum'))},
    'pgu': {'pgu': dict(HEADS['pgu'], ranking_loss=RANKING)},
    'read_masked': {name: HEADS[name] for name in ('contrastive', 'mlm', 'identity')},
    'all': dict(HEADS, ranking=dict(HEADS['ranking'], loss=RANKING), pgu=dict(HEADS['pgu'], ranking_loss=RANKING)),
}
LOCAL = {'loss_mlm', 'loss_identity', 'loss_pgu_identity'}  # each rank reports its share; their mean is the joint one


def step(case: str, dtype: torch.dtype, first: int, last: int, distributed: bool) -> dict:
    """Losses and gradients of pairs first..last of one fixed joint batch."""
    model = build_dual_encoder(CASES[case], read_masked_text=case == 'read_masked').to(dtype)
    for module in model.modules():
        if hasattr(module, 'seed_step'):
            module.seed_step(5)
    data = make_batch(RANKS * PER_RANK, seed=3, longest=16)
    data = {key: value[first:last] for key, value in data.items()}
    batch = model.data_preprocessor(data)
    run = model
    if distributed:  # alone, the MLM head leaves the image encoder unused
        run = MMDistributedDataParallel(module=model, device_ids=None, find_unused_parameters=case == 'mlm')
    losses = run(**batch, mode='loss')
    sum(losses.values()).backward()
    return dict(
        losses={key: value.detach() for key, value in losses.items()},
        gradients={name: parameter.grad for name, parameter in model.named_parameters()},
        width=batch['inputs'].token_ids.shape[1],
        masked=len(batch['inputs'].targets.masked.targets),
    )


def gather_twice() -> dict:
    """Two gathered tensors whose gradients are one and the same tensor inside autograd."""
    rank = dist.get_rank()
    a = (torch.arange(4.0).view(2, 2) + 4 * rank).requires_grad_()
    b = (10 - torch.arange(4.0).view(2, 2) + 4 * rank).requires_grad_()
    (gather_with_grad(a) + gather_with_grad(b)).square().sum().backward()
    columns = torch.arange(6).view(2, 3) + 6 * rank
    return dict(inputs=(a.detach(), b.detach()), gradients=(a.grad, b.grad), labels=gather(columns.unbind(1)[1]))


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=RANKS)
    first = rank * PER_RANK
    results = {
        (case, dtype): step(case, dtype, first, first + PER_RANK, distributed=True)
        for case in CASES
        for dtype in (torch.float64, torch.float32)
    }
    torch.save(dict(steps=results, gathered=gather_twice()), f'{folder}/rank{rank}.pt')
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
    tolerance = 1e-5 if dtype == torch.float32 else 1e-10
    steps = [rank['steps'][case, dtype] for rank in ranks]
    joint = step(case, dtype, 0, RANKS * PER_RANK, distributed=False)
    for key, expected in joint['losses'].items():
        assert expected > 0
        values = [result['losses'][key] for result in steps]
        if key in LOCAL:
            assert values[0] != values[1]
            values = [sum(values) / RANKS]
        for value in values:
            torch.testing.assert_close(value, expected, atol=tolerance, rtol=tolerance)
    for result in steps:
        for name, expected in joint['gradients'].items():
            if expected is None:
                continue
            torch.testing.assert_close(result['gradients'][name], expected, atol=tolerance, rtol=tolerance, msg=name)


def test_the_ranks_were_unequal(ranks):
    """Else the cases above would show less than they seem to."""
    results = [rank['steps']['all', torch.float64] for rank in ranks]
    assert results[0]['width'] != results[1]['width']
    assert results[0]['masked'] != results[1]['masked']


def test_gradients_of_two_gathered_tensors_do_not_mix(ranks):
    joint = [torch.cat([rank['gathered']['inputs'][i] for rank in ranks]) for i in range(2)]
    total = 2 * RANKS * (joint[0] + joint[1])  # the derivative of the square, once per rank that computed it
    for number, rank in enumerate(ranks):
        for gradient in rank['gathered']['gradients']:
            assert torch.equal(gradient, total[2 * number : 2 * number + 2])


def test_labels_come_in_rank_order(ranks):
    for rank in ranks:
        assert rank['gathered']['labels'].tolist() == [1, 4, 7, 10]


def test_one_process_gathers_nothing():
    x = torch.randn(3, 2)
    assert gather(x) is x and gather_with_grad(x) is x
