"""A tiny catalogue and tiny random CLIP models for the tests of the scorers."""

from __future__ import annotations

import json

import numpy as np
import torch
from PIL import Image

from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue

MODEL_CFG = {
    'embed_dim': 24,
    'quick_gelu': False,
    'vision_cfg': {'image_size': 32, 'layers': 2, 'width': 64, 'head_width': 32, 'patch_size': 16},
    'text_cfg': {'context_length': 20, 'vocab_size': 49408, 'width': 32, 'heads': 2, 'layers': 2},
}


def catalogue():
    attributes = [
        Attribute('gender', True, ['man', 'woman'], prompts=('A photo of a {}', 'A picture of a {}')),
        Attribute('upper clothes', True, ['a red coat', 'a blue shirt', 'a white shirt']),
        Attribute('bag', False, ['with a backpack', 'with a handbag'], negative='a person without a bag'),
        Attribute('hat', False, ['with a hat'], negative='a person without a hat'),
    ]
    return Catalogue({attribute.name: attribute for attribute in attributes}, digest='c0ffee')


def save_model(folder, seed=0, **changes):
    """Writes what open_clip reads as local-dir:FOLDER; returns the model itself."""
    import open_clip

    torch.manual_seed(seed)
    cfg = {**MODEL_CFG, **changes}
    model = open_clip.model.CLIP(**cfg).eval()
    with torch.no_grad():
        model.logit_scale.fill_(3.0)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'open_clip_config.json').write_text(json.dumps({'model_cfg': cfg, 'preprocess_cfg': {'mean': [0.5] * 3}}))
    torch.save(model.state_dict(), folder / 'open_clip_pytorch_model.bin')
    return model


def crops(count, seed=0):
    random = np.random.default_rng(seed)
    return [Image.fromarray(random.integers(0, 256, (48, 24, 3), dtype=np.uint8)) for _ in range(count)]


def scores_of(**rows):
    """Scores of one image; what is not given is certain of the first choice."""
    found = {name: [1.0] + [0.0] * (len(attribute.choices) - 1) for name, attribute in catalogue().items()}
    found.update({name.replace('_', ' '): row for name, row in rows.items()})
    return {name: torch.tensor([row], dtype=torch.float32) for name, row in found.items()}


class ColourScorer:
    """Not an AttributeScorer."""

    def __init__(self, catalogue):
        self.catalogue = catalogue
