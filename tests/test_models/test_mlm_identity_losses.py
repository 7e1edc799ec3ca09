import math

import pytest
import torch
from torch.autograd import gradcheck

from mmt2ireid.models.losses import IdentityLoss, MLMLoss, identity_loss, mlm_loss


def naive_cross_entropy(logits, targets, ignore=-100):
    """Sum and number of the rows that count."""
    total, count = 0.0, 0
    for row, target in zip(logits.double().tolist(), targets.tolist(), strict=True):
        if target == ignore:
            continue
        top = max(row)
        total += top + math.log(sum(math.exp(x - top) for x in row)) - row[target]
        count += 1
    return total, count


def logits_of(rows, classes, seed=0):
    return 4 * torch.randn(rows, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class TestMLM:
    @pytest.mark.parametrize('loss', [mlm_loss, MLMLoss(), MLMLoss(gather=False)])
    @pytest.mark.parametrize('targets', [[3], [0, 8, 3, 3], [-100, 8, -100, 1, 2]])
    def test_equals_naive(self, loss, targets):
        logits, targets = logits_of(len(targets), 9), torch.tensor(targets)
        total, count = naive_cross_entropy(logits, targets)
        assert loss(logits, targets).item() == pytest.approx(total / count, abs=1e-9)

    def test_whole_sequences(self):
        logits, targets = logits_of(6, 9), torch.tensor([[4, -100, 2], [-100, -100, 8]])
        torch.testing.assert_close(mlm_loss(logits.view(2, 3, 9), targets), mlm_loss(logits, targets.flatten()))

    @pytest.mark.parametrize('targets', [torch.full((3,), -100), torch.empty(0, dtype=torch.int64)])
    def test_nothing_masked(self, targets):
        logits = logits_of(len(targets), 9).requires_grad_()
        value = mlm_loss(logits, targets)
        value.backward()
        assert value.item() == 0
        assert torch.equal(logits.grad, torch.zeros_like(logits))

    def test_gradients(self):
        targets = torch.tensor([1, -100, 4])
        assert gradcheck(lambda x: mlm_loss(x, targets), logits_of(3, 5).requires_grad_())

    def test_order_does_not_matter(self):
        logits, targets = logits_of(5, 9), torch.tensor([1, 2, -100, 4, 8])
        order = torch.tensor([4, 2, 0, 3, 1])
        torch.testing.assert_close(mlm_loss(logits[order], targets[order]), mlm_loss(logits, targets))

    def test_arguments_by_name(self):
        logits, targets = logits_of(2, 9), torch.tensor([1, 2])
        assert mlm_loss(logits=logits, targets=targets) == mlm_loss(logits, targets)


class TestIdentity:
    @pytest.mark.parametrize('batch', [1, 5])
    def test_equals_naive(self, batch):
        img, txt = logits_of(batch, 6), logits_of(batch, 6, seed=1)
        pids = torch.arange(batch) % 3
        expected = sum(naive_cross_entropy(logits, pids)[0] / batch for logits in (img, txt))
        assert identity_loss(img, txt, pids).item() == pytest.approx(expected, abs=1e-9)
        assert IdentityLoss()(img, txt, pids) == identity_loss(img, txt, pids)

    def test_all_of_one_identity(self):
        img, txt = logits_of(4, 1).requires_grad_(), logits_of(4, 1, seed=1)
        value = identity_loss(img, txt, torch.zeros(4, dtype=torch.int64))
        value.backward()
        assert value.item() == 0
        assert img.grad.abs().max() == 0

    def test_gradients(self):
        pids = torch.tensor([2, 0, 2])
        inputs = (logits_of(3, 4).requires_grad_(), logits_of(3, 4, seed=1).requires_grad_())
        assert gradcheck(lambda img, txt: identity_loss(img, txt, pids), inputs)

    def test_order_does_not_matter(self):
        img, txt, pids = logits_of(4, 6), logits_of(4, 6, seed=1), torch.tensor([0, 5, 2, 2])
        order = torch.tensor([2, 0, 3, 1])
        torch.testing.assert_close(identity_loss(img[order], txt[order], pids[order]), identity_loss(img, txt, pids))

    def test_arguments_by_name(self):
        img, txt, pids = logits_of(2, 6), logits_of(2, 6, seed=1), torch.tensor([1, 2])
        assert identity_loss(img_logits=img, txt_logits=txt, pids=pids) == identity_loss(img, txt, pids)
