"""Losses and heads of CMMT never wait for the device. Text-IoU has tests of its own; here it is given."""

import pytest
import torch
from cmmt_builders import draw_embeds, draw_phrases, features_of, naive_iou, targets_of
from test_no_host_sync import NoHostSync

from mmt2ireid.models.losses import (
    cmpc_loss,
    cpm_loss,
    hard_mining_loss,
    soft_cross_entropy_loss,
    soft_softmax_triplet_loss,
    softmax_triplet_loss,
    text_regression_loss,
)
from mmt2ireid.registry import MODELS

LABELS = [0, 1, 0, -1, 2, -1]
SOURCES = ('identity', 'text_embedding', 'image_embedding', 'label')
HEADS = {
    **{source: dict(type='mmt2ireid.ProjectionMatchingHead', soft_labels=source) for source in SOURCES},
    'cmpc': dict(type='mmt2ireid.CMPCHead', num_classes=3, in_channels=5),
    'text_regression': dict(type='mmt2ireid.TextRegressionHead'),
    'memory': dict(type='mmt2ireid.MemoryHead', num_images=8, num_captions=8, dim=5),
}


@pytest.mark.parametrize('batch', [1, 6])
def test_losses(batch):
    a, b = (x.requires_grad_() for x in draw_embeds(batch))
    labels = torch.tensor(LABELS[:batch])
    iou, weight = naive_iou(draw_phrases(batch)), torch.ones(5, 3, dtype=torch.float64)
    with NoHostSync():
        losses = [
            cpm_loss(a, b, iou),
            hard_mining_loss(a, b, iou, 0.2),
            hard_mining_loss(a, a, iou, 0.2, intra_modal=True),
            cmpc_loss(a, b, weight, labels.abs()),
            soft_cross_entropy_loss(a, b),
            softmax_triplet_loss(a, labels),
            soft_softmax_triplet_loss(a, b, labels),
            text_regression_loss(a, b),
        ]
        sum(losses).backward()
    assert a.grad.isfinite().all()


@pytest.mark.parametrize('name', HEADS)
def test_heads(name):
    head = MODELS.build(HEADS[name]).double()
    if name == 'memory':
        head.img_memory.set_features(draw_embeds(8)[0])
        head.txt_memory.set_features(draw_embeds(8)[1])
        head.txt_memory.set_labels(torch.tensor([0, 0, 1, -1, 1, 2, 2, -1]))
    img, txt = (x.requires_grad_() for x in draw_embeds())
    targets = targets_of(6, pids=[abs(label) for label in LABELS])
    with NoHostSync():
        sum(head.loss(features_of(img, txt), targets).values()).backward()
    assert img.grad.isfinite().all()
