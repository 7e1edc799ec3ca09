import math

import pytest
import torch
from torch.autograd import gradcheck

from mmt2ireid.models.losses import ContrastiveLoss, contrastive_loss


def naive(img, txt, scale=1.0):
    """Eq. 1 with loops, in float64."""
    img, txt = img.double().tolist(), txt.double().tolist()

    def cosine(a, b):
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))

    logits = [[scale * cosine(v, t) for t in txt] for v in img]
    total = 0.0
    for i in range(len(img)):
        row = math.log(sum(math.exp(x) for x in logits[i]))
        column = math.log(sum(math.exp(logits[j][i]) for j in range(len(img))))
        total += (row - logits[i][i] + column - logits[i][i]) / 2
    return total / len(img)


def pairs(batch=6, dim=5, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [3 * torch.randn(batch, dim, generator=generator, dtype=torch.float64).to(dtype) for _ in range(2)]


@pytest.mark.parametrize('batch', [1, 2, 6])
@pytest.mark.parametrize('scale', [1.0, 14.3, 100.0])
def test_equals_naive(batch, scale):
    img, txt = pairs(batch)
    assert contrastive_loss(img, txt, scale).item() == pytest.approx(naive(img, txt, scale), abs=1e-9)


def test_default_scale_is_the_papers():
    img, txt = pairs()
    assert contrastive_loss(img, txt) == contrastive_loss(img, txt, 1.0)


def test_arguments_by_name():
    img, txt = pairs()
    assert contrastive_loss(img_embed=img, txt_embed=txt, logit_scale=3.0) == contrastive_loss(img, txt, 3.0)


def test_length_of_embeddings_does_not_matter():
    img, txt = pairs()
    torch.testing.assert_close(contrastive_loss(img, txt, 5.0), contrastive_loss(7 * img, txt / 3, 5.0))


def test_gradients():
    img, txt = (x.requires_grad_() for x in pairs(4, 3))
    scale = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    assert gradcheck(contrastive_loss, (img, txt, scale))


def test_order_of_pairs_does_not_matter():
    img, txt = pairs()
    order = torch.randperm(len(img), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(contrastive_loss(img[order], txt[order], 5.0), contrastive_loss(img, txt, 5.0))
    assert (contrastive_loss(img[order], txt, 5.0) - contrastive_loss(img, txt, 5.0)).abs() > 1e-3


def test_modalities_are_symmetric():
    img, txt = pairs()
    torch.testing.assert_close(contrastive_loss(img, txt, 5.0), contrastive_loss(txt, img, 5.0))


def test_float32_in_float32_out():
    assert contrastive_loss(*pairs(dtype=torch.float32)).dtype == torch.float32


class TestModule:
    def test_fixed_scale_is_no_parameter(self):
        img, txt = pairs()
        loss = ContrastiveLoss(logit_scale=3.0)
        assert not list(loss.parameters())
        assert loss(img, txt).item() == pytest.approx(naive(img, txt, 3.0), abs=1e-9)

    def test_learned_scale_starts_where_told_and_learns(self):
        img, txt = pairs(dtype=torch.float32)
        loss = ContrastiveLoss(logit_scale=14.0, learn_scale=True)
        assert loss.scale().item() == pytest.approx(14.0, rel=1e-6)
        loss(img, txt).backward()
        eps = 1e-3
        slope = (naive(img, txt, 14 * math.exp(eps)) - naive(img, txt, 14 * math.exp(-eps))) / (2 * eps)
        assert loss.log_scale.grad.item() == pytest.approx(slope, rel=1e-3)

    def test_learned_scale_is_clamped_and_comes_back(self):
        loss = ContrastiveLoss(logit_scale=50.0, learn_scale=True)
        loss.log_scale.data.fill_(9.0)
        img, txt = pairs(dtype=torch.float32)
        loss(img, txt).backward()
        assert loss.scale().item() == pytest.approx(100.0, rel=1e-5)
        assert loss.log_scale.grad.abs() > 0

    @pytest.mark.parametrize('arguments', [dict(logit_scale=0.0), dict(logit_scale=-1.0), dict(logit_scale=101.0)])
    def test_bad_scale(self, arguments):
        with pytest.raises(ValueError, match='logit_scale must be'):
            ContrastiveLoss(**arguments)
