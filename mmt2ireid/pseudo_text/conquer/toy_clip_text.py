"""The toy CLIP learns to read before it sees: its text tower is taught where the prompts of a catalogue belong.

From random weights the embeddings of all prompts nearly coincide, and an image tower that has only a minute spends it
on waiting for them to part. So the words get their places first, by lot, without a picture and without any truth:
phrases of an attribute far apart, those of different attributes at right angles, and those that are composed (colour x
pattern x garment) where the sum of their parts is. What the image tower then learns is to point there.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmt2ireid.pseudo_text.conquer.clip_prompts import tokenize_prompts
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue

EMBEDDING_STD = 0.3  # of the words' first embeddings: so far apart that they tell prompts from each other at once


def prompt_places(catalogue: Catalogue, dim: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Where the choices of each attribute belong.

    Args:
        catalogue: the attributes.
        dim: of the embedding.
        generator: of the lot.

    Returns:
        attribute name -> (choices, dim) float32, L2-normalised. Directions of different parts are orthogonal as long as
        there are no more words than ``dim``, and those of one part as far from each other as can be.
    """
    words = {name: _words(attribute) for name, attribute in catalogue.items()}
    total = sum(len(values) for parts in words.values() for values in parts.values())
    directions = iter(_directions(total, dim, generator))
    places = {}
    for name, parts in words.items():
        lots = {}
        for part, values in parts.items():
            rows = torch.stack([next(directions) for _ in values])
            lots[part] = dict(zip(values, F.normalize(rows - rows.mean(dim=0), dim=1), strict=True))
        attribute = catalogue[name]
        chosen = [_place(attribute, choice, lots) for choice in attribute.choices]
        places[name] = F.normalize(torch.stack(chosen), dim=1)
    return places


def _words(attribute: Attribute) -> dict[str, list[str]]:
    """What gets a direction of its own: the words of each part, and the choices that are not composed."""
    parts = {part: list(dict.fromkeys(values)) for part, values in attribute.parts.items()}
    single = [choice for choice in attribute.choices if choice not in attribute.part_values]
    return {**parts, '': single} if single else parts


def _place(attribute: Attribute, choice: str, lots: dict[str, dict[str, Tensor]]) -> Tensor:
    if choice not in attribute.part_values:
        return lots[''][choice]
    return torch.stack([lots[part][value] for part, value in attribute.split(choice).items()]).sum(dim=0)


def _directions(count: int, dim: int, generator: torch.Generator) -> list[Tensor]:
    rows = torch.randn(max(count, dim), dim, generator=generator)
    if count <= dim:
        rows = torch.linalg.qr(rows)[0]
    return list(rows[:count])


def teach_texts(
    network: Any,
    tokenizer: Any,
    catalogue: Catalogue,
    *,
    steps: int,
    seed: int,
    batch_size: int = 96,
    learning_rate: float = 1e-2,
) -> None:
    """Teaches the text tower, in place, to embed each prompt at its choice's place.

    The words of the prompts only are trained, the other rows of the embedding become zero: of so few texts nothing can
    be learnt about them.

    Args:
        network: an untrained ``open_clip.model.CLIP``.
        tokenizer: its tokenizer.
        catalogue: the attributes.
        steps: of the optimiser.
        seed: of the places and of the order of the prompts.
        batch_size: prompts of a step.
        learning_rate: its peak.
    """
    generator = torch.Generator().manual_seed(seed)
    places = prompt_places(catalogue, network.text_projection.shape[1], generator)
    texts = torch.cat([tokenize_prompts(tokenizer, attribute) for attribute in catalogue.values()])
    targets, weights = _targets(catalogue, places)
    # Ids in the order of the vocabulary: the tower takes the largest one of a prompt for its end.
    used, compact = torch.unique(texts, return_inverse=True)
    whole = network.token_embedding
    words = nn.Embedding(len(used), whole.embedding_dim)
    nn.init.normal_(words.weight, std=EMBEDDING_STD, generator=generator)
    network.token_embedding = words
    parameters = [p for name, p in network.named_parameters() if not name.startswith(('visual', 'logit_scale'))]
    optimiser = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps, cycle_momentum=False)
    for _ in range(steps):
        chosen = torch.multinomial(weights, batch_size, replacement=True, generator=generator)
        loss = 1 - (network.encode_text(compact[chosen], normalize=True) * targets[chosen]).sum(dim=1).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        whole.weight.zero_()
        whole.weight[used] = words.weight
    network.token_embedding = whole


def _targets(catalogue: Catalogue, places: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Per prompt the place of its choice, and how often it is to be drawn: else the clothes' are nearly all."""
    targets, weights = [], []
    for name, attribute in catalogue.items():
        counts = [len(texts) for texts in attribute.prompt_texts()]
        targets.append(torch.cat([row.expand(count, -1) for row, count in zip(places[name], counts, strict=True)]))
        weights.append(torch.full((sum(counts),), sum(counts) ** -0.5))
    return torch.cat(targets), torch.cat(weights)
