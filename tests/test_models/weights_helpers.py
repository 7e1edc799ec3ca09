"""What the tests of weights share: random upstream models, hubs on disk, and no network."""

from __future__ import annotations

import json
import socket

import timm
import torch
from safetensors.torch import save_file
from torch import nn

from mmt2ireid.registry import MODELS

VIT = dict(embed_dim=24, depth=3, num_heads=3)
"""timm's arguments of a small ViT."""

ARCH = dict(embed_dims=24, num_layers=3, num_heads=3, feedforward_channels=96)
"""mmpretrain's."""


@torch.no_grad()
def spread(model, seed=0):
    """Random to the last bias and running statistic."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
    model.eval()
    return model


def timm_vit(size=(48, 32), patch=8, classes=0, **options):
    torch.manual_seed(0)
    return spread(timm.models.VisionTransformer(img_size=size, patch_size=patch, num_classes=classes, **VIT, **options))


def our_vit(init_cfg, size=(48, 32), patch=8, **options):
    """mmpretrain's ViT, initialised as MMEngine does it."""
    config = dict(
        type='mmpretrain.VisionTransformer', img_size=size, patch_size=patch, out_type='raw', arch=ARCH,
        init_cfg=init_cfg, **options,
    )  # fmt: skip
    return initialised(config)


def initialised(config):
    torch.manual_seed(1)
    model = MODELS.build(config)
    model.init_weights()
    model.eval()  # mmpretrain's gives None
    return model


def features_of(model, table, size, patch=8, **options):
    """Tokens that timm's model gives for pictures of another size, with this position table."""
    other = timm_vit(size, patch, **options)
    state = {key: value for key, value in model.state_dict().items() if not key.startswith('head')}
    other.load_state_dict({**state, 'pos_embed': table})
    return other


def block_network(monkeypatch):
    """Every connection fails at once; whoever asked the hub again after a while asks at once."""

    def refuse(*args, **kwargs):
        raise OSError('Network is unreachable')

    monkeypatch.setattr(socket.socket, 'connect', refuse)
    monkeypatch.setattr(socket, 'getaddrinfo', refuse)
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_OFFLINE', True)


def hub_folder(cache, repository):
    """An empty snapshot of a repository in a cache of huggingface_hub."""
    commit = '0' * 40
    folder = cache / f'models--{repository.replace("/", "--")}'
    (folder / 'refs').mkdir(parents=True)
    (folder / 'refs' / 'main').write_text(commit)
    snapshot = folder / 'snapshots' / commit
    snapshot.mkdir(parents=True)
    return snapshot


def save_timm(model, folder, name='model.safetensors'):
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, folder / name)
    (folder / 'config.json').write_text(json.dumps({}))
