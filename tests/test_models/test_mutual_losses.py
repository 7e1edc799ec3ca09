import math

import pytest
import torch
from cmmt_builders import draw_embeds
from torch.autograd import gradcheck

from mmt2ireid.models.losses import (
    SoftCrossEntropyLoss,
    SoftmaxTripletLoss,
    soft_cross_entropy_loss,
    soft_softmax_triplet_loss,
    softmax_triplet_loss,
)

LABELS = torch.tensor([0, 1, 0, 2, 1, 1, -1, -1])


def distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))


def naive(embed, labels, teacher=None):
    """The definition with loops, in float64; None where no anchor counts."""
    embed, labels = embed.double().tolist(), labels.tolist()
    teacher = None if teacher is None else teacher.double().tolist()
    losses = []
    for i, label in enumerate(labels):
        others = [j for j in range(len(labels)) if j != i]
        positives = [j for j in others if labels[j] == label and label >= 0]
        negatives = [j for j in others if j not in positives]
        if not positives or not negatives:
            continue
        p = max(positives, key=lambda j: distance(embed[i], embed[j]))
        n = min(negatives, key=lambda j: distance(embed[i], embed[j]))

        def share(x, i=i, p=p, n=n):
            far, near = math.exp(distance(x[i], x[p])), math.exp(distance(x[i], x[n]))
            return near / (far + near)

        soft = 1.0 if teacher is None else share(teacher)
        losses.append(-soft * math.log(share(embed)) - (1 - soft) * math.log(1 - share(embed)))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize(
    'labels', [LABELS, torch.zeros(8).long(), torch.arange(8), LABELS.clamp(max=0), LABELS * 0 - 1]
)
def test_triplets_equal_naive(labels):
    embed, teacher = draw_embeds(8)
    assert softmax_triplet_loss(embed, labels).item() == pytest.approx(naive(embed, labels), abs=1e-9)
    value = soft_softmax_triplet_loss(embed, teacher, labels)
    assert value.item() == pytest.approx(naive(embed, labels, teacher), abs=1e-9)


@pytest.mark.parametrize('labels', [torch.zeros(4).long(), torch.arange(4), torch.full((4,), -1)])
def test_no_anchor_counts(labels):
    """One identity, all alone, all un-clustered."""
    embed, teacher = draw_embeds(4)
    embed.requires_grad_()
    value = softmax_triplet_loss(embed, labels) + soft_softmax_triplet_loss(embed, teacher, labels)
    value.backward()
    assert value == 0 and torch.equal(embed.grad, torch.zeros_like(embed))


def test_batch_of_one():
    embed, teacher = draw_embeds(1)
    assert softmax_triplet_loss(embed, LABELS[:1]) == soft_softmax_triplet_loss(embed, teacher, LABELS[:1]) == 0


def test_equal_features_have_finite_gradients():
    embed = torch.ones(8, 5).requires_grad_()
    value = softmax_triplet_loss(embed, LABELS)
    value.backward()
    assert value.item() == pytest.approx(math.log(2)) and embed.grad.isfinite().all()


def test_unit_length_on_wish():
    embed, teacher = draw_embeds(8)
    units = [torch.nn.functional.normalize(x, dim=1) for x in (embed, teacher)]
    assert softmax_triplet_loss(embed, LABELS, True).item() == pytest.approx(naive(units[0], LABELS))
    value = soft_softmax_triplet_loss(embed, teacher, LABELS, True)
    assert value.item() == pytest.approx(naive(units[0], LABELS, units[1]))


def test_triplet_gradients_reach_the_student_only():
    embed, teacher = (x.requires_grad_() for x in draw_embeds(8, 3))
    assert gradcheck(lambda x: softmax_triplet_loss(x, LABELS), (embed,))
    assert gradcheck(lambda x: soft_softmax_triplet_loss(x, teacher, LABELS), (embed,))
    soft_softmax_triplet_loss(embed, teacher, LABELS).backward()
    assert teacher.grad is None and embed.grad.abs().sum() > 0


def test_order_does_not_matter():
    embed, teacher = draw_embeds(8)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(softmax_triplet_loss(embed[order], LABELS[order]), softmax_triplet_loss(embed, LABELS))
    torch.testing.assert_close(
        soft_softmax_triplet_loss(embed[order], teacher[order], LABELS[order]),
        soft_softmax_triplet_loss(embed, teacher, LABELS),
    )


def test_one_module_for_both():
    embed, teacher = draw_embeds(8)
    loss = SoftmaxTripletLoss()
    assert loss(embed, LABELS).item() == pytest.approx(naive(embed, LABELS))
    assert loss(embed, LABELS, teacher).item() == pytest.approx(naive(embed, LABELS, teacher))


def naive_soft_cross_entropy(logits, teacher):
    total = 0.0
    for z, target in zip(logits.double().tolist(), teacher.double().tolist(), strict=True):
        log_sum, partition = math.log(sum(map(math.exp, z))), sum(map(math.exp, target))
        total -= sum(math.exp(t) / partition * (x - log_sum) for x, t in zip(z, target, strict=True))
    return total / len(logits)


@pytest.mark.parametrize('batch', [1, 6])
def test_soft_cross_entropy_equals_naive(batch):
    logits, teacher = draw_embeds(batch)
    expected = naive_soft_cross_entropy(logits, teacher)
    assert soft_cross_entropy_loss(logits, teacher).item() == pytest.approx(expected, abs=1e-9)
    assert SoftCrossEntropyLoss()(logits, teacher).item() == pytest.approx(expected, abs=1e-9)


def test_soft_cross_entropy_gradients_reach_the_student_only():
    logits, teacher = (x.requires_grad_() for x in draw_embeds(4, 3))
    assert gradcheck(lambda x: soft_cross_entropy_loss(x, teacher), (logits,))
    soft_cross_entropy_loss(logits, teacher).backward()
    assert teacher.grad is None


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_costs_no_precision(dtype):
    a, b = draw_embeds(8, 24, dtype=dtype)
    with torch.autocast('cpu', torch.bfloat16):
        values = [
            softmax_triplet_loss(a, LABELS),
            soft_softmax_triplet_loss(a, b, LABELS),
            soft_cross_entropy_loss(a, b),
        ]
    expected = [naive(a, LABELS), naive(a, LABELS, b), naive_soft_cross_entropy(a, b)]
    assert [value.item() for value in values] == pytest.approx(expected, abs=1e-5)
