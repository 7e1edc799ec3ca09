"""Two gloo processes against one process with the joint batch, for the heads of the CLIP family."""

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.model import MMDistributedDataParallel
from model_builders import BERT, HEADS, IMAGE_SIZE, VOCAB, build_dual_encoder, make_batch

RANKS, PER_RANK = 2, 5
SDM = dict(type='mmt2ireid.SimilarityDistributionHead', loss=dict(type='mmt2ireid.SDMLoss', temperature=0.1))
TAL = dict(type='mmt2ireid.TripletAlignmentHead', loss=dict(type='mmt2ireid.TALLoss', temperature=0.1))
IRR = dict(type='mmt2ireid.ImplicitReasoningHead', vocab_size=VOCAB, dim=16, txt_channels=32, num_layers=2, num_heads=2)
CASES = {
    'sdm': {'sdm': SDM},
    'tal': {'tal': TAL},
    'tal_mean': {'tal': dict(TAL, loss=dict(TAL['loss'], reduction='mean'))},
    'label_contrastive': {'contrastive': dict(type='mmt2ireid.LabelContrastiveHead')},
    'views': {
        'contrastive': dict(type='mmt2ireid.LabelContrastiveHead', soft_ratio=0.4, view=0),
        'views': dict(type='mmt2ireid.TwoViewHead', in_channels=16, hidden_channels=8, out_channels=12, views=(1, 2)),
    },
    'irra': {'sdm': SDM, 'irr': IRR, 'identity': dict(HEADS['identity'], loss_weight=0.5)},
}
ADAPTED = dict(
    text_encoder=dict(
        type='mmt2ireid.LoRAEncoder',
        encoder=dict(type='mmt2ireid.BertTextEncoder', config=BERT),
        target_modules=('query', 'value'),
        rank=2,
    )
)
if find_spec('peft'):
    CASES['irra_lora'] = CASES['irra']
LOCAL = {'loss_irr', 'loss_identity'}  # each rank reports its share; their mean is the joint one


def step(case: str, first: int, last: int, distributed: bool) -> dict:
    """Losses and gradients, in float64, of pairs first..last of one fixed joint batch."""
    model = build_dual_encoder(CASES[case], **(ADAPTED if case == 'irra_lora' else {})).double()
    data = make_batch(RANKS * PER_RANK, seed=3, longest=16)
    generator = torch.Generator().manual_seed(4)
    for sample in data['data_samples']:
        sample.views = list(torch.randint(0, 256, (3, 3, *IMAGE_SIZE), generator=generator).to(torch.uint8))
    data = {key: value[first:last] for key, value in data.items()}
    batch = model.data_preprocessor(data)
    run = MMDistributedDataParallel(module=model, device_ids=None) if distributed else model
    losses = run(**batch, mode='loss')
    sum(losses.values()).backward()
    return dict(
        losses={key: value.detach() for key, value in losses.items()},
        gradients={name: parameter.grad for name, parameter in model.named_parameters()},
        width=batch['inputs'].token_ids.shape[1],
        masked=len(batch['inputs'].targets.masked.targets),
        pids=batch['inputs'].targets.pids,
    )


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=RANKS)
    first = rank * PER_RANK
    torch.save({case: step(case, first, first + PER_RANK, distributed=True) for case in CASES}, f'{folder}/{rank}.pt')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    mp.spawn(work, args=(str(folder),), nprocs=RANKS)
    # Our own files of a moment ago.
    return [torch.load(Path(folder) / f'{rank}.pt', weights_only=False) for rank in range(RANKS)]


@pytest.mark.parametrize('case', CASES)
def test_two_ranks_equal_one_process(ranks, case):
    steps = [rank[case] for rank in ranks]
    joint = step(case, 0, RANKS * PER_RANK, distributed=False)
    for key, expected in joint['losses'].items():
        assert expected > 0
        values = [result['losses'][key] for result in steps]
        if key in LOCAL:
            assert values[0] != values[1]
            values = [sum(values) / RANKS]
        for value in values:
            torch.testing.assert_close(value, expected, atol=1e-9, rtol=1e-9)
    for result in steps:
        for name, expected in joint['gradients'].items():
            assert (expected is None) == (case == 'irra_lora' and '.encoder.' in name and 'lora_' not in name), name
            if expected is None:
                assert result['gradients'][name] is None
                continue
            torch.testing.assert_close(result['gradients'][name], expected, atol=1e-9, rtol=1e-9, msg=name)


def test_the_ranks_were_unequal(ranks):
    """Else the cases above would show less than they seem to."""
    first, second = (rank['irra'] for rank in ranks)
    assert first['width'] != second['width'] and first['masked'] != second['masked']
    assert set(first['pids'].tolist()) & set(second['pids'].tolist())
