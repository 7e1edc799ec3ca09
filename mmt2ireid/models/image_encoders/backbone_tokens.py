"""Tokens of whatever an image backbone returns."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmt2ireid.structures import EncoderOutput


def backbone_tokens(backbone: nn.Module, images: Tensor) -> EncoderOutput:
    """Runs a backbone and reads its last output as tokens.

    Args:
        backbone: any module whose (last) output is a token sequence (B, N, D_i), a feature map (B, D_i, h, w) or an
            :class:`EncoderOutput`: every mmpretrain backbone (ViTs with ``out_type='raw'`` or ``'featmap'``), timm
            through ``mmpretrain.TIMMBackbone``.
        images: (B, 3, H, W).

    Returns:
        Tokens (B, N, D_i); a feature map's positions row by row.

    Raises:
        ValueError: if the output is none of these, e.g. already pooled.
    """
    output: Any = backbone(images)
    if isinstance(output, (tuple, list)):
        output = output[-1]
    if isinstance(output, EncoderOutput):
        return output
    if isinstance(output, Tensor) and output.ndim == 4:
        return EncoderOutput(output.flatten(1, 2) if channels_last(backbone) else output.flatten(2).transpose(1, 2))
    if isinstance(output, Tensor) and output.ndim == 3:
        return EncoderOutput(output, num_extra_tokens=num_extra_tokens(backbone))
    got = f'shape {tuple(output.shape)}' if isinstance(output, Tensor) else type(output).__name__
    raise ValueError(
        f'The output of image encoder {type(backbone).__name__} must be tokens (B, N, D) or a feature map '
        f"(B, D, h, w), but got {got}; mmpretrain's ViTs need out_type='raw'"
    )


def num_extra_tokens(backbone: nn.Module) -> int:
    """Leading tokens of a backbone's sequence that are not patches (CLS, distillation)."""
    timm_model = getattr(backbone, 'timm_model', None)
    if timm_model is not None:
        return getattr(timm_model, 'num_prefix_tokens', 0)
    return getattr(backbone, 'num_extra_tokens', 0)


def channels_last(backbone: nn.Module) -> bool:
    """Whether a backbone's feature map is (B, h, w, D_i), as timm's Swin gives it, and says so."""
    timm_model = getattr(backbone, 'timm_model', None)
    return getattr(timm_model, 'output_fmt', 'NCHW') == 'NHWC'
