"""Prompts of a catalogue as embeddings of a CLIP model's text tower."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue


@torch.no_grad()
def encode_prompts(
    network: Any, tokenizer: Any, catalogue: Catalogue, device: torch.device, batch: int
) -> dict[str, Tensor]:
    """One embedding per choice: its prompts' embeddings, normalised, averaged, normalised.

    Args:
        network: a model of open_clip, on the device.
        tokenizer: its tokenizer.
        catalogue: the attributes.
        device: where to compute.
        batch: prompts that are encoded at a time.

    Returns:
        attribute name -> (C, D) float32.

    Raises:
        ValueError: a prompt is longer than the model's context, or its embedding is not finite.
    """
    tokens = [tokenize_prompts(tokenizer, attribute) for attribute in catalogue.values()]
    chunks = torch.cat(tokens).split(batch)
    embeddings = torch.cat([network.encode_text(chunk.to(device)).float() for chunk in chunks])
    if not torch.isfinite(embeddings).all():
        raise ValueError('embeddings of prompts must be finite, but some are not: the weights are broken')
    per_attribute = F.normalize(embeddings, dim=1).split([len(part) for part in tokens])
    means = {}
    for (name, attribute), rows in zip(catalogue.items(), per_attribute, strict=True):
        counts = [len(texts) for texts in attribute.prompt_texts()]
        means[name] = F.normalize(torch.stack([part.mean(dim=0) for part in rows.split(counts)]), dim=1)
    return means


def tokenize_prompts(tokenizer: Any, attribute: Attribute) -> Tensor:
    """Token ids of all prompts of an attribute, (prompts, context length); none is cut off.

    open_clip's tokenizers cut silently. With one more place than the model has, a prompt that fits yields the same ids
    and one more padding.

    Raises:
        ValueError: a prompt is longer than the context.
    """
    texts = [text for choice in attribute.prompt_texts() for text in choice]
    length = tokenizer.context_length
    ids = tokenizer(texts)
    longer = tokenizer(['', *texts], context_length=length + 1)
    # Tokenizers of this mode put a class token last, behind the padding.
    end = -1 if getattr(tokenizer, 'tokenizer_mode', '') == 'clips' else None
    short, padding, longer = ids[:, :end], longer[0, :end][-1], longer[1:, :end]
    fits = (longer[:, :-1] == short).all(dim=1) & (longer[:, -1] == padding)
    if not fits.all():
        text = texts[int((~fits).int().argmax())]
        raise ValueError(
            f'prompts of attribute {attribute.name!r} must have at most {length} tokens, start and end included, '
            f'but got more in {text!r}'
        )
    return ids
