"""The toy README names the twins whose token-reading heads get one image token."""

import inspect
import re

import pytest
import torch
from test_configs import CONFIGS, load

from mmt2ireid.apis import get_model
from mmt2ireid.registry import MODELS

pytest.importorskip('open_clip')


def reads_tokens(head):
    """Whether a head's loss looks at image tokens, by its code."""
    return 'features.img_tokens' in inspect.getsource(MODELS.get(head.type))


def one_token_twins():
    """Configs of ToyPEDES that train a token-reading head, the image encoder and neck giving one token."""
    found = []
    for path in sorted((CONFIGS / 'toy').glob('*.py')):
        cfg = load(path)
        if any(reads_tokens(head) for head in cfg.model.heads.values() if head is not None):
            with torch.no_grad():
                tokens = get_model(cfg).eval().image_features(torch.zeros(1, 3, 96, 48))[0].tokens
            if tokens.shape[1] == 1:
                found.append(path.stem)
    return found


def test_readme_names_twins_of_one_token():
    text = (CONFIGS / 'toy' / 'README.md').read_text()
    item = re.search(r'^- \*\*Two of these twins train a head on one token\.\*\*.*?(?=^- )', text, re.M | re.S)
    assert item, 'configs/toy/README.md must say which twins train a head on one token'
    named = re.findall(r'in\s+\[(\w+)\]', item[0])
    assert sorted(named) == one_token_twins() == ['irra_clip_toy', 'unipt_clip_toy']
