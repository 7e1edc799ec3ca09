import pytest
import torch

from mmt2ireid.models.losses import contrastive_loss, identity_loss, mlm_loss, ranking_loss

PIDS = torch.arange(16) % 5
CALLS = {
    'contrastive': lambda a, b: contrastive_loss(a, b, 100.0),
    'mlm': lambda a, b: mlm_loss(a, PIDS),
    'identity': lambda a, b: identity_loss(a, b, PIDS),
    'ranking': lambda a, b: ranking_loss(a, b, PIDS, 0.5, 'mean', torch.Generator().manual_seed(0)),
}


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize('name', CALLS)
def test_autocast_costs_no_precision(name, dtype):
    """What comes in may be rounded; the loss itself computes as it would in float32."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(16, 24, generator=generator).to(dtype) for _ in range(2))
    with torch.autocast('cpu', torch.bfloat16):
        value = CALLS[name](a, b)
    assert value.dtype == torch.float32
    assert value > 0
    torch.testing.assert_close(value, CALLS[name](a.float(), b.float()), atol=1e-6, rtol=1e-6)
    # Autocast lets float64 alone, whatever the loss does about it.
    torch.testing.assert_close(value.double(), CALLS[name](a.double(), b.double()), atol=1e-6, rtol=1e-5)


def test_the_check_can_fail():
    """In bfloat16, with a scale of 100, the same formula is visibly off."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.nn.functional.normalize(torch.randn(16, 24, generator=generator)) for _ in range(2))
    with torch.autocast('cpu', torch.bfloat16):
        rounded = 100 * a @ b.T
    assert (rounded.float() - 100 * a @ b.T).abs().max() > 0.01
