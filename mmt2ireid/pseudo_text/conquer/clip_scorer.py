"""Conquer: a frozen CLIP says which phrases fit a person (UniPT, section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.pseudo_text.conquer.clip_prompts import encode_prompts
from mmt2ireid.pseudo_text.conquer.matcher import PromptMatcher
from mmt2ireid.pseudo_text.conquer.scorer import FeatureScorer
from mmt2ireid.text.clip_network import build_network, import_open_clip, load_tokenizer, pretrained_label
from mmt2ireid.text.clip_weights import first_line, weights_digest

if TYPE_CHECKING:
    from mmt2ireid.pseudo_text.divide.catalogue import Catalogue

RESIZE_MODES = ('squash', 'longest', 'shortest')
PRECISIONS = {'fp32': torch.float32, 'bf16': torch.bfloat16, 'fp16': torch.float16}


class CLIPScorer(FeatureScorer):
    """Scores the catalogue's phrases with a CLIP model of open_clip.

    All prompts are encoded once, here, in float32. A batch of images costs one image forward under autocast and one
    matrix product; probabilities are softmaxes within each attribute at the model's own logit scale.

    Args:
        catalogue: the attributes.
        model: a name that open_clip knows, ``local-dir:FOLDER`` or ``hf-hub:ID``.
        pretrained: a tag of the model, a file with its weights, or '' for random weights.
        device: where to compute; None: a GPU where there is one.
        precision: of the image forward: 'fp32', 'bf16', 'fp16' or 'auto' (bf16 on GPUs that have it, fp16 on others,
            fp32 on CPU).
        resize: how a crop becomes the model's square. 'squash' changes its proportions, 'longest' pads it with black;
            'shortest' is CLIP's own way, whose centre crop cuts heads and feet off a person crop.
        quick_gelu: whether the weights were trained with QuickGELU, where they don't say; see
            :func:`~mmt2ireid.text.clip_network.build_network`.
        cache_dir: where downloads are kept; None for open_clip's default.
        text_batch: prompts that are encoded at a time.

    Raises:
        ImportError: open_clip is not installed.
        ValueError: an argument is bad, a file cannot be loaded safely, or a prompt is longer than the model's context.
        FileNotFoundError: the weights cannot be fetched; the message says which and what to do.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        model: str = 'ViT-B-16',
        pretrained: str = 'openai',
        *,
        device: str | torch.device | None = None,
        precision: str = 'auto',
        resize: str = 'squash',
        quick_gelu: bool | None = None,
        cache_dir: str | None = None,
        text_batch: int = 256,
    ) -> None:
        if resize not in RESIZE_MODES:
            raise ValueError(f'resize must be one of {RESIZE_MODES}, but got {resize!r}')
        if text_batch < 1:
            raise ValueError(f'text_batch must be at least 1, but got {text_batch}')
        self.device = resolve_device(device)
        self.precision = resolve_precision(precision, self.device)
        network: Any = build_network(model, pretrained, quick_gelu=quick_gelu, cache_dir=cache_dir)
        tokenizer = load_tokenizer(model, cache_dir)
        self.weights_sha256 = weights_digest(network)
        self.network: Any = network.to(self.device)
        self.transform, self.preprocess = _transform(network, resize)
        prompts = encode_prompts(self.network, tokenizer, catalogue, self.device, text_batch)
        self.matcher = PromptMatcher(prompts, self.network.logit_scale.exp())
        self.catalogue_digest = catalogue.digest
        self.model, self.pretrained = pretrained_label(model, pretrained)

    @torch.no_grad()
    def encode(self, images: Tensor | list) -> Tensor:
        """Features of images: (B, D) float32, L2-normalised, on the scorer's device.

        The device is not waited for: a non-finite feature is found by
        :func:`~mmt2ireid.pseudo_text.conquer.scorer.choose_attributes`.

        Args:
            images: (B, 3, H, W) float32 as :attr:`transform` makes them, or a list of such images or of PIL images.

        Raises:
            ValueError: the images have another shape.
        """
        images = self._batch(images).to(self.device, non_blocking=True)
        dtype = PRECISIONS[self.precision]
        with torch.autocast(self.device.type, dtype=dtype, enabled=dtype != torch.float32):
            features = self.network.encode_image(images)
        return F.normalize(features.float(), dim=1)

    @torch.no_grad()
    def score_features(self, features: Tensor) -> dict[str, Tensor]:
        """Attribute name -> (B, C) probabilities, from features (B, D) that were kept."""
        return self.matcher(features.to(self.device, non_blocking=True))

    def encoder_provenance(self) -> dict[str, Any]:
        """What the features depend on."""
        return {
            'scorer': type(self).__name__,
            'model': self.model,
            'pretrained': self.pretrained,
            'weights_sha256': self.weights_sha256,
            'quick_gelu': any(type(module).__name__ == 'QuickGELU' for module in self.network.modules()),
            'preprocess': self.preprocess,
            'precision': self.precision,
        }

    def provenance(self) -> dict[str, Any]:
        """What the scores depend on."""
        return {
            **self.encoder_provenance(),
            'logit_scale': round(self.matcher.scale.item(), 6),
            'catalogue_sha256': self.catalogue_digest,
            'open_clip': import_open_clip().__version__,
        }

    def _batch(self, images: Tensor | list) -> Tensor:
        if not isinstance(images, Tensor):
            images = torch.stack([item if isinstance(item, Tensor) else self.transform(item) for item in images])
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f'images must have the shape (B, 3, H, W), but got {tuple(images.shape)}')
        return images


def resolve_device(device: str | torch.device | None) -> torch.device:
    """A device that is there; None: a GPU where there is one.

    Raises:
        ValueError: there is no such device.
    """
    wanted = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        return torch.empty(0, device=wanted).device
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch was built without CUDA
        raise ValueError(f'device must be one that torch can use here, but got {str(wanted)!r}: '
                         f'{first_line(error)}') from error  # fmt: skip


def resolve_precision(precision: str, device: torch.device) -> str:
    """'fp32', 'bf16' or 'fp16', for 'auto' what suits the device.

    Raises:
        ValueError: there is no such precision, or the device does not have it.
    """
    if precision not in ('auto', *PRECISIONS):
        raise ValueError(f'precision must be one of {("auto", *PRECISIONS)}, but got {precision!r}')
    if precision == 'auto':
        if device.type != 'cuda':
            return 'fp32'
        return 'bf16' if torch.cuda.get_device_capability(device) >= (8, 0) else 'fp16'
    if precision == 'fp16' and device.type == 'cpu':
        raise ValueError(f"precision must be 'auto', 'fp32' or 'bf16' on {device}, but got 'fp16'")
    return precision


def _transform(network: nn.Module, resize: str) -> tuple[Callable[[Any], Tensor], dict[str, Any]]:
    """The model's own preprocessing but for the way of resizing, and what it consists of."""
    open_clip = import_open_clip()
    own = open_clip.get_model_preprocess_cfg(network)
    config = open_clip.transform.PreprocessCfg(**{**own, 'resize_mode': resize})
    return open_clip.transform.image_transform_v2(config, is_train=False), asdict(config)
