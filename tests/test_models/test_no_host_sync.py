"""The forward pass and the losses never wait for the device.

Without a device at hand, two stand-ins: a dispatch mode that refuses every operator whose result's value or shape has
to be known on the host, and fake tensors, which have no values to be read at all.
"""

import pytest
import torch
from model_builders import HEADS, build_dual_encoder, make_batch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from mmt2ireid.structures import MaskedText, PairInputs, PairTargets

WAITS = {
    '_local_scalar_dense',
    'nonzero',
    'nonzero_numpy',
    'is_nonzero',
    'equal',
    'masked_select',
    'unique_dim',
    '_unique2',
    'unique_consecutive',
    'item',
    'bincount',
    'allclose',
}


class HostSyncError(RuntimeError):
    pass


class NoHostSync(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        by_mask = name in ('index', 'index_put', 'index_put_') and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        lengths_on_device = name == 'repeat_interleave' and isinstance(args[0], torch.Tensor)
        if name in WAITS or by_mask or lengths_on_device:
            raise HostSyncError(f'{func} waits for the device')
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    'breach',
    [
        lambda x: x.sum().item(),
        lambda x: bool((x > 0).any()),
        lambda x: x[x > 0],
        lambda x: x.nonzero(),
        lambda x: torch.equal(x, x),
        lambda x: torch.ones_like(x).index_put_((x > 0,), x.new_zeros(())),
        lambda x: x.repeat_interleave((x > 0).long()),
    ],
)
def test_the_check_finds_a_breach(breach):
    with pytest.raises(HostSyncError), NoHostSync():
        breach(torch.randn(4))


def model_and_batch(size=6, seed_step=True):
    model = build_dual_encoder()
    model.heads['ranking'].criterion.margin = 0.9
    if seed_step:
        model.heads['ranking'].criterion.seed_step(1)
        model.heads['pgu'].ranking_criterion.seed_step(1)
    return model, model.data_preprocessor(make_batch(size))


@pytest.mark.parametrize('size', [1, 6])
@pytest.mark.parametrize('seed_step', [True, False])
def test_loss_and_backward(size, seed_step):
    model, batch = model_and_batch(size, seed_step)
    with NoHostSync():
        losses = model(**batch, mode='loss')
        sum(losses.values()).backward()
    assert len(losses) == 1 + len(HEADS)


def test_loss_under_autocast():
    model, batch = model_and_batch()
    with NoHostSync(), torch.autocast('cpu', torch.bfloat16):
        sum(model(**batch, mode='loss').values()).backward()


def test_prediction():
    model, _ = model_and_batch()
    batch = model.data_preprocessor(make_batch(4, captions=2))
    with NoHostSync(), torch.no_grad():
        model(**batch, mode='predict')


def test_values_are_never_read():
    """``tolist`` and ``numpy`` pass no dispatcher; of a fake tensor they fail."""
    model, batch = model_and_batch(seed_step=False)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        with pytest.raises(DataDependentOutputException):
            mode.from_tensor(torch.arange(3)).tolist()
        inputs = batch['inputs']
        fake = mode.from_tensor
        masked = inputs.targets.masked
        inputs = PairInputs(
            fake(inputs.images),
            fake(inputs.token_ids),
            fake(inputs.txt_mask),
            inputs.num_captions,
            PairTargets(
                fake(inputs.targets.pids),
                fake(inputs.targets.image_ids),
                fake(inputs.targets.sample_idx),
                MaskedText(fake(masked.token_ids), fake(masked.positions), fake(masked.targets)),
            ),
        )
        losses = model(inputs, mode='loss')
        sum(losses.values()).backward()
    assert len(losses) == 1 + len(HEADS)
