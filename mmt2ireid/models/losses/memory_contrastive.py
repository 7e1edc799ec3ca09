"""Contrastive loss against the classes of a memory."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from mmt2ireid.models.losses.precision import full_precision


@full_precision
def memory_contrastive_loss(embed: Tensor, classes: Tensor, targets: Tensor, temperature: float = 0.05) -> Tensor:
    r"""Cross-entropy of a feature among cluster centroids and un-clustered instances, CMMT (ICCV 2021) eq. 1.

    .. math:: L = -\frac1B \sum_i \log \frac{\exp(\langle f_i, c_{y_i} \rangle / \tau)}
        {\sum_k \exp(\langle f_i, c_k \rangle / \tau)}

    It is SpCL's (Ge et al., NeurIPS 2020) unified contrastive loss without a source domain.

    Args:
        embed: f, (B, D), normalised here.
        classes: c, (number of classes, D), taken as they are: a centroid is shorter than one.
        targets: y, int64 (B,), the class of each feature.
        temperature: tau.

    Returns:
        Scalar, computed in float32 or wider.
    """
    return F.cross_entropy(F.normalize(embed, dim=-1) @ classes.T / temperature, targets)
