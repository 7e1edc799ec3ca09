"""Cross-modal projection classification (CMPC)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.models.losses.precision import full_precision
from mmt2ireid.registry import MODELS


@full_precision
def cmpc_loss(img_embed: Tensor, txt_embed: Tensor, weight: Tensor, pids: Tensor) -> Tensor:
    r"""Classification of each modality's projection on the other, Zhang and Lu (ECCV 2018).

    .. math::
        \hat v = \langle v, \bar t \rangle \bar t, \quad \hat t = \langle t, \bar v \rangle \bar v, \quad
        L = CE(\hat v \bar W, y) + CE(\hat t \bar W, y)

    where a bar stands for unit length, of the columns in the case of W.

    Args:
        img_embed: v, (B, D).
        txt_embed: t, (B, D), the i-th belongs to the i-th image.
        weight: W, (D, C), without bias; its columns are normalised here.
        pids: int64 (B,), labels 0..C-1.

    Returns:
        Scalar, each cross-entropy averaged over the batch.
    """
    weight = F.normalize(weight, dim=0)
    return F.cross_entropy(_project(img_embed, txt_embed) @ weight, pids) + F.cross_entropy(
        _project(txt_embed, img_embed) @ weight, pids
    )


def _project(x: Tensor, onto: Tensor) -> Tensor:
    direction = F.normalize(onto, dim=-1)
    return (x * direction).sum(dim=-1, keepdim=True) * direction


@MODELS.register_module()
class CMPCLoss(nn.Module):
    """:func:`cmpc_loss`; its mean over equal batches needs no gathering to equal the joint batch's."""

    def forward(self, img_embed: Tensor, txt_embed: Tensor, weight: Tensor, pids: Tensor) -> Tensor:
        """Loss of embeddings (B, D), classifier (D, C) and labels (B,)."""
        return cmpc_loss(img_embed, txt_embed, weight, pids)
