"""Probabilities of an attribute's choices, checked and turned into phrases (LUPerson-T, "conquer")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from mmt2ireid.pseudo_text.divide.catalogue import Attribute

SLACK = 1e-3
"""How far above 1 rounding may take a probability."""


@dataclass(frozen=True)
class Choices:
    """What was chosen for a batch of B images, by attribute (columns, not rows).

    Attributes:
        phrases: attribute name -> B phrases; None where an optional attribute was not kept.
        probabilities: attribute name -> (B,) float32, the probability of the best positive phrase, kept or not.
    """

    phrases: dict[str, list[str | None]]
    probabilities: dict[str, np.ndarray]


def choose_attributes(
    scores: Mapping[str, Tensor], catalogue: Mapping[str, Attribute], threshold: float = 0.9
) -> Choices:
    """Arg-max for required attributes; the best positive phrase, if above the threshold, for optional ones.

    All attributes come to the host in one transfer, however many there are. That is also the only place where a batch
    waits for the device, so non-finite features, which make every probability of their image NaN, are found here.

    Args:
        scores: attribute name -> (B, C) probabilities over ``Attribute.choices``, on any one device.
        catalogue: the attributes; all of them must have scores.
        threshold: an optional attribute is kept where its probability exceeds this, in [0, 1).

    Raises:
        ValueError: the threshold is out of range, or scores are missing, not finite or no probabilities.
    """
    if not 0 <= threshold < 1:
        raise ValueError(f'threshold must be in [0, 1), but got {threshold}')
    missing = [name for name in catalogue if name not in scores]
    if missing:
        raise ValueError(f'scores must hold every attribute of the catalogue, but {missing} are missing')
    values, indices = _best_phrases(scores, catalogue)
    _check_probabilities(values, list(catalogue))
    phrases: dict[str, list[str | None]] = {}
    for row, (name, attribute) in enumerate(catalogue.items()):
        chosen = np.array(attribute.phrases, dtype=object)[indices[row]]
        if not attribute.required:
            # Compared in float32: a probability of 0.9 must not pass 0.9 because of how it is rounded.
            chosen[values[row] <= np.float32(threshold)] = None
        phrases[name] = chosen.tolist()
    return Choices(phrases, {name: values[row].copy() for row, name in enumerate(catalogue)})


def _best_phrases(scores: Mapping[str, Tensor], catalogue: Mapping[str, Attribute]) -> tuple[np.ndarray, np.ndarray]:
    """Probability and index of every attribute's best positive phrase, both (attributes, B), in one transfer."""
    values, indices = [], []
    for name, attribute in catalogue.items():
        # The negative phrase of an optional attribute, the last choice, takes part in the softmax only.
        value, index = scores[name].detach().float()[:, : len(attribute.phrases)].max(dim=1)
        values.append(value)
        indices.append(index.float())  # exact up to 2**24 phrases
    packed = torch.stack(values + indices).cpu().numpy()
    return packed[: len(values)], packed[len(values) :].astype(np.int64)


def _check_probabilities(values: np.ndarray, names: list[str]) -> None:
    with np.errstate(invalid='ignore'):
        bad = ~((values >= 0) & (values <= 1 + SLACK))
    if not bad.any():
        return
    row, image = map(int, np.argwhere(bad)[0])
    value, count = values[row, image], int(bad.any(axis=0).sum())
    where = f'{count} of {values.shape[1]} images of the batch, first image {image}, attribute {names[row]!r}'
    if not np.isfinite(value):
        raise ValueError(
            f'features and probabilities must be finite, but got {value} ({where}): the weights hold non-finite '
            "values, or half precision overflowed (try precision='fp32')"
        )
    raise ValueError(f'scores must be probabilities in [0, 1] (after softmax), but got {value:.6g} ({where})')


def check_scores(scores: Any, catalogue: Mapping[str, Attribute], batch: int) -> None:
    """Checks what a scorer returned, without waiting for the device.

    Args:
        scores: what :meth:`AttributeScorer.score` returned.
        catalogue: the attributes.
        batch: number of images that were scored.

    Raises:
        ValueError: no mapping; an attribute is missing or unknown; no floating tensor; the wrong shape.
    """
    if not isinstance(scores, Mapping):
        raise ValueError(f'scores must be a mapping from attribute to probabilities, but got {type(scores).__name__}')
    missing = [name for name in catalogue if name not in scores]
    unknown = [name for name in scores if name not in catalogue]
    if missing or unknown:
        raise ValueError(
            f"scores must hold exactly the catalogue's attributes, but {missing} are missing and {unknown} unknown"
        )
    for name, attribute in catalogue.items():
        value, expected = scores[name], (batch, len(attribute.choices))
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f'scores of attribute {name!r} must be a floating-point tensor, but got {kind}')
        if tuple(value.shape) != expected:
            raise ValueError(
                f'scores of attribute {name!r} must have the shape {expected} (images, choices), '
                f'but got {tuple(value.shape)}'
            )
