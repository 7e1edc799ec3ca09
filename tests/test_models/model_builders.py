"""Tiny models and batches for the tests of the models; importable by spawned processes too."""

from __future__ import annotations

import torch

from mmt2ireid.models import DualEncoder
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PersonSample

VOCAB = 60
IMAGE_SIZE = (32, 16)
NUM_CLASSES = 7
BERT = dict(
    vocab_size=VOCAB,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=48,
    max_position_embeddings=40,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)
VIT = dict(
    type='mmpretrain.VisionTransformer',
    img_size=IMAGE_SIZE,
    patch_size=8,
    out_type='raw',
    arch=dict(embed_dims=24, num_layers=2, num_heads=2, feedforward_channels=48),
)
HEADS = dict(
    contrastive=dict(
        type='mmt2ireid.ContrastiveHead', loss=dict(type='mmt2ireid.ContrastiveLoss', logit_scale=5.0, learn_scale=True)
    ),
    mlm=dict(type='mmt2ireid.MLMHead', config=BERT),
    identity=dict(type='mmt2ireid.IdentityHead', num_classes=NUM_CLASSES, in_channels=16),
    ranking=dict(type='mmt2ireid.RankingHead'),
    pgu=dict(
        type='mmt2ireid.PGUHead', num_classes=NUM_CLASSES, dim=16, num_prototypes=3, num_heads=2, head_dim=8, ffn_dim=20
    ),
)


def dual_encoder_config(heads: dict | None = None, **changes) -> dict:
    config = dict(
        type='mmt2ireid.DualEncoder',
        image_encoder=VIT,
        text_encoder=dict(type='mmt2ireid.BertTextEncoder', config=BERT),
        img_neck=dict(type='mmt2ireid.ConvMaxPoolNeck', in_channels=24, out_channels=16),
        txt_neck=dict(type='mmt2ireid.ConvMaxPoolNeck', in_channels=32, out_channels=16),
        heads=HEADS if heads is None else heads,
    )
    return {**config, **changes}


def build_dual_encoder(heads: dict | None = None, seed: int = 0, spread: bool = True, **changes) -> DualEncoder:
    """A tiny model; ``spread`` makes all its weights of size one tenth, so that no part of it is near zero."""
    torch.manual_seed(seed)
    model = MODELS.build(dual_encoder_config(heads, **changes))
    if spread:
        for parameter in model.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def make_batch(
    num_images: int,
    *,
    captions: int = 1,
    seed: int = 0,
    longest: int = 12,
    masked: bool = True,
    image_size: tuple[int, int] = IMAGE_SIZE,
) -> dict:
    """Items as ``pseudo_collate`` leaves them; captions of 4..longest tokens, masked ones with 1 to 3 masks."""
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=generator)

    images, samples = [], []
    for index in range(num_images):
        images.append(draw(0, 256, 3, *image_size).to(torch.uint8))
        ids = [
            torch.cat([torch.tensor([1]), draw(5, VOCAB, int(draw(2, longest - 1))), torch.tensor([2])])
            for _ in range(captions)
        ]
        sample = PersonSample(
            pid=int(draw(0, NUM_CLASSES)),
            image_id=index,
            sample_idx=10 + index,
            img_path=f'person_{index}.png',
            captions=['words'] * captions,
            token_ids=ids,
        )
        if masked:
            inner = len(ids[0]) - 2
            order = 1 + torch.randperm(inner, generator=generator)
            sample.mask_positions = order[: int(draw(1, min(3, inner) + 1))].sort().values
            sample.masked_token_ids = ids[0].clone()
            sample.masked_token_ids[sample.mask_positions] = 3
        samples.append(sample)
    return dict(inputs=images, data_samples=samples)
