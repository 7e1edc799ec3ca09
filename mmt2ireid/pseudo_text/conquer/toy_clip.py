"""A small open_clip model trained on drawn persons: the stand-in of a frozen CLIP where nothing can be downloaded.

It learns as CLIP does, from pictures and short texts about them, but with the softmax within each attribute's prompts
that it is used with afterwards (UniPT, section 3.1), so that its probabilities mean what the rule of 0.9 takes them
for. What is written is a folder that ``open_clip`` itself loads as ``local-dir:FOLDER``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from mmt2ireid.pseudo_text.conquer.clip_prompts import encode_prompts
from mmt2ireid.pseudo_text.conquer.toy_clip_text import teach_texts
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue
from mmt2ireid.text.clip_network import import_open_clip

MAX_SCALE = 100.0  # as in CLIP


@dataclass(frozen=True)
class ToyClipOptions:
    """How the toy CLIP is built and trained.

    Attributes:
        trunk: image tower, a name that timm knows.
        embed_dim: of the embedding of images and texts.
        context: tokens of a prompt at most, start and end included.
        text_steps: steps of the text tower, before the first picture.
        passes: times that each picture is seen.
        batch_size: pictures of a step.
        learning_rate: of the image tower, at its peak.
        weight_decay: of the image tower's matrices.
        scale: logit scale at the start; it is learnt.
        seed: the same seed gives the same weights, on the same machine with the same number of threads.

    Raises:
        ValueError: a number is out of its range.
    """

    trunk: str = 'test_byobnet'
    embed_dim: int = 128
    context: int = 20
    text_steps: int = 300
    passes: int = 4
    batch_size: int = 64
    learning_rate: float = 1.2e-2
    weight_decay: float = 0.05
    scale: float = 40.0
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, low = getattr(self, field.name), 0 if field.name in ('seed', 'weight_decay') else 1e-9
            if field.name == 'trunk':
                continue
            kinds = (int, float) if field.type == 'float' else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds) or value < low:
                wanted = 'a number' if field.type == 'float' else 'an integer'
                raise ValueError(
                    f'{field.name} must be {wanted} {"of at least 0" if low == 0 else "above 0"}, but got {value!r}'
                )


def toy_clip_config(options: ToyClipOptions, size: tuple[int, int]) -> dict[str, Any]:
    """What ``open_clip_config.json`` says.

    Args:
        options: how it is built.
        size: (height, width) of the pictures.
    """
    open_clip = import_open_clip()
    vision = {
        'timm_model_name': options.trunk, 'timm_model_pretrained': False, 'timm_pool': 'catavgmax', 'timm_proj': '',
        'image_size': list(size),
    }  # fmt: skip
    text = {'context_length': options.context, 'vocab_size': 49408, 'width': 64, 'heads': 2, 'layers': 2}
    preprocess = {
        'size': list(size), 'mode': 'RGB', 'mean': list(open_clip.OPENAI_DATASET_MEAN),
        'std': list(open_clip.OPENAI_DATASET_STD), 'interpolation': 'bicubic', 'resize_mode': 'squash',
    }  # fmt: skip
    model = {'embed_dim': options.embed_dim, 'vision_cfg': vision, 'text_cfg': text}
    return {'model_cfg': model, 'preprocess_cfg': preprocess}


def train_toy_clip(
    pictures: np.ndarray,
    truths: Sequence[Mapping[str, str | None]],
    catalogue: Catalogue,
    options: ToyClipOptions | None = None,
    *,
    progress: bool = True,
) -> nn.Module:
    """Trains a toy CLIP from nothing, on the CPU.

    Args:
        pictures: RGB, uint8 (N, H, W, 3).
        truths: for each picture the phrase of every attribute, as the catalogue has it or says it in sentences; None
            for an optional one that is not there.
        catalogue: the attributes and their prompts.
        options: the defaults when None.
        progress: show a progress bar, on a terminal.

    Returns:
        The ``open_clip.model.CLIP``, in evaluation mode.

    Raises:
        ImportError: open_clip is not installed.
        ValueError: the pictures are no such array, there are not as many truths, or fewer than a batch; a truth is not
            in the catalogue.
    """
    options = options or ToyClipOptions()
    _check_pictures(pictures, truths, options)
    labels = truth_labels(truths, catalogue)
    open_clip = import_open_clip()
    config = toy_clip_config(options, pictures.shape[1:3])['model_cfg']
    tokenizer = open_clip.SimpleTokenizer(context_length=options.context)
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
        torch.manual_seed(options.seed)
        network = open_clip.model.CLIP(**config, init_logit_scale=math.log(options.scale))
        teach_texts(network, tokenizer, catalogue, steps=options.text_steps, seed=options.seed)
        prompts = encode_prompts(network, tokenizer, catalogue, torch.device('cpu'), batch=256)
        _teach_images(network, pictures, labels, prompts, options, progress)
    return network.eval()


def _check_pictures(pictures: np.ndarray, truths: Sequence[Any], options: ToyClipOptions) -> None:
    if pictures.ndim != 4 or pictures.shape[3] != 3 or pictures.dtype != np.uint8:
        raise ValueError(f'pictures must be uint8 (N, H, W, 3), but got {pictures.dtype} {pictures.shape}')
    if len(truths) != len(pictures):
        raise ValueError(f'truths must be {len(pictures)}, one of each picture, but got {len(truths)}')
    if len(pictures) < options.batch_size:
        raise ValueError(f'pictures must be a batch of {options.batch_size} at least, but got {len(pictures)}')


def truth_labels(truths: Sequence[Mapping[str, str | None]], catalogue: Catalogue) -> dict[str, Tensor]:
    """Which of an attribute's choices is true: attribute name -> int64 (N,).

    Raises:
        ValueError: a truth is not in the catalogue; the message names picture, attribute and truth.
    """
    numbers = {name: _numbers(attribute) for name, attribute in catalogue.items()}
    rows = []
    for picture, truth in enumerate(truths):
        for name, known in numbers.items():
            if name not in truth or truth[name] not in known:
                raise ValueError(
                    f'truth of picture {picture}, {name!r}: must be one of '
                    f'{list(known)[:20]}, but got {truth.get(name, "nothing")!r}'
                )
        rows.append([known[truth[name]] for name, known in numbers.items()])
    columns = torch.tensor(rows, dtype=torch.int64).reshape(len(rows), len(numbers)).unbind(dim=1)
    return dict(zip(numbers, columns, strict=True))


def _numbers(attribute: Attribute) -> dict[str | None, int]:
    known: dict[str | None, int] = {}
    for number, phrase in enumerate(attribute.phrases):
        known.setdefault(attribute.forms.get(phrase, {}).get('say', phrase), number)
    known.update({phrase: number for number, phrase in enumerate(attribute.phrases)})
    if attribute.negative is not None:
        known[None] = len(attribute.phrases)
    return known


def _teach_images(
    network: Any,
    pictures: np.ndarray,
    labels: dict[str, Tensor],
    prompts: dict[str, Tensor],
    options: ToyClipOptions,
    progress: bool,
) -> None:
    """Trains image tower and scale; the sum over attributes of the cross entropy within each one's prompts."""
    generator = torch.Generator().manual_seed(options.seed)
    network.visual.to(memory_format=torch.channels_last)
    parameters = [*network.visual.parameters(), network.logit_scale]
    groups = [
        {'params': [p for p in parameters if p.ndim > 1], 'weight_decay': options.weight_decay},
        {'params': [p for p in parameters if p.ndim <= 1], 'weight_decay': 0.0},
    ]
    rate = options.learning_rate
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
    per_pass = len(pictures) // options.batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=per_pass * options.passes, pct_start=0.1, cycle_momentum=False,
        div_factor=20, final_div_factor=50,
    )  # fmt: skip
    table, sizes = torch.cat(list(prompts.values())), [len(rows) for rows in prompts.values()]
    network.visual.train()
    hidden = None if progress else True  # None: where there is no terminal
    with tqdm(total=per_pass * options.passes, desc='toy CLIP', unit=' steps', disable=hidden) as bar:
        for _ in range(options.passes):
            order = torch.randperm(len(pictures), generator=generator)[: per_pass * options.batch_size]
            for rows in order.split(options.batch_size):
                images = _flipped(normalised(pictures[rows.numpy()]), generator)
                features = F.normalize(network.encode_image(images), dim=1)
                logits = (network.logit_scale.exp() * features @ table.t()).split(sizes, dim=1)
                losses = [F.cross_entropy(part, labels[name][rows]) for name, part in zip(prompts, logits, strict=True)]
                optimiser.zero_grad()
                torch.stack(losses).sum().backward()
                nn.utils.clip_grad_norm_(parameters, 5.0)
                optimiser.step()
                schedule.step()
                with torch.no_grad():
                    network.logit_scale.clamp_(0.0, math.log(MAX_SCALE))
                bar.update()
    network.visual.to(memory_format=torch.contiguous_format)


def normalised(pictures: np.ndarray) -> Tensor:
    """Pictures as open_clip's own preprocessing gives them: uint8 (B, H, W, 3) -> float32 (B, 3, H, W)."""
    open_clip = import_open_clip()
    mean, std = (torch.tensor(values) for values in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
    images = (torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255 - mean) / std
    return images.permute(0, 3, 1, 2)  # channels last in memory, which convolutions on CPUs are quicker with


def _flipped(images: Tensor, generator: torch.Generator) -> Tensor:
    """The batch or its mirror image: which side a person is seen from changes no attribute."""
    return images.flip(3) if torch.rand((), generator=generator) < 0.5 else images
