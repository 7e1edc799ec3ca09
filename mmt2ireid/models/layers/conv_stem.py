"""Convolutional stem in place of a ViT's patch projection."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmt2ireid.registry import MODELS


@MODELS.register_module()
class ConvStem(nn.Module):
    """The stem of TransReID-SSL's "ICS" models (Luo et al., 2021): three convolutions before the patch projection.

    7x7 with stride 2, 3x3, 3x3, each to 64 channels, normalised and rectified, the first two by instance and batch
    norm, half of the channels each (IBN-Net, Pan et al., ECCV 2018); then patches of half the size. In a config::

        image_encoder=dict(type='mmpretrain.VisionTransformer', patch_cfg=dict(conv_type='mmt2ireid.ConvStem'), ...)

    Args:
        in_channels: of the pictures.
        out_channels: width of the tokens.
        kernel_size: of a patch, even.
        stride: from patch to patch; must be the patch.
        padding: must be 0.
        dilation: must be 1.
        bias: of the patch projection.
        hidden_channels: of the convolutions, even.

    Raises:
        ValueError: one of these is another.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int | tuple[int, int] = 16,
        stride: int | tuple[int, int] = 16,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
        hidden_channels: int = 64,
    ) -> None:
        super().__init__()
        size, step, pad, spread = (_pair(value) for value in (kernel_size, stride, padding, dilation))
        if size != step or pad != (0, 0) or spread != (1, 1) or any(side % 2 for side in size):
            raise ValueError(
                'ConvStem must have patches of even size side by side (stride as the patch, padding 0, dilation 1), '
                f'but got kernel_size {size}, stride {step}, padding {pad}, dilation {spread}'
            )
        if hidden_channels < 2 or hidden_channels % 2:
            raise ValueError(f'hidden_channels must be even, but got {hidden_channels}')
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels, hidden_channels, 7, stride=2, padding=3, bias=False),
            InstanceBatchNorm(hidden_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, hidden_channels, 3, padding=1, bias=False),
            InstanceBatchNorm(hidden_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, hidden_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(hidden_channels),
            nn.ReLU(inplace=True),
        )
        half = size[0] // 2, size[1] // 2
        self.proj = nn.Conv2d(hidden_channels, out_channels, half, stride=half, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """Maps pictures (B, in_channels, H, W) to tokens (B, out_channels, H / patch, W / patch)."""
        return self.proj(self.conv(images))


class InstanceBatchNorm(nn.Module):
    """Instance norm of the first half of the channels, batch norm of the others; both with scale and shift.

    Args:
        channels: their number, even.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.IN = nn.InstanceNorm2d(half, affine=True)
        self.BN = nn.BatchNorm2d(channels - half)

    def forward(self, maps: Tensor) -> Tensor:
        """Normalises (B, channels, h, w)."""
        first, second = maps.chunk(2, dim=1)
        return torch.cat([self.IN(first.contiguous()), self.BN(second.contiguous())], dim=1)


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
