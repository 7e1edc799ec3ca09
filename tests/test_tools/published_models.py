"""IRRA and UniPT as their authors' codes compute them, in plain torch on state dicts with their names.

Written from the papers and the names in the published files; nothing of the toolbox is used. Every function takes the
weights by name and computes in their precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]
Draw = Callable[..., Tensor]


def drawing(seed: int) -> Draw:
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape, scale=0.3: scale * torch.randn(shape, generator=generator)


def linear(draw: Draw, name: str, wide: int, narrow: int, bias: bool = True) -> State:
    state = {f'{name}.weight': draw(wide, narrow)}
    return {**state, f'{name}.bias': draw(wide)} if bias else state


def norm(draw: Draw, name: str, width: int) -> State:
    return {f'{name}.weight': 1 + draw(width), f'{name}.bias': draw(width)}


def attention(draw: Draw, name: str, width: int) -> State:
    out = linear(draw, f'{name}.out_proj', width, width)
    return {f'{name}.in_proj_weight': draw(3 * width, width), f'{name}.in_proj_bias': draw(3 * width), **out}


def transformer(draw: Draw, name: str, width: int, depth: int) -> State:
    state: State = {}
    for number in range(depth):
        block = f'{name}.resblocks.{number}'
        state |= norm(draw, f'{block}.ln_1', width) | norm(draw, f'{block}.ln_2', width)
        state |= attention(draw, f'{block}.attn', width)
        state |= linear(draw, f'{block}.mlp.c_fc', 4 * width, width)
        state |= linear(draw, f'{block}.mlp.c_proj', width, 4 * width)
    return state


def irra_state(
    *, positions: int, vision: int, depth: int, text: int, text_depth: int, embed: int, vocab: int, context: int,
    classes: int, patch: int = 16, cmt_depth: int = 2, seed: int = 0, scale: float = 0.3,
) -> State:  # fmt: skip
    """Random weights of IRRA with all its losses."""
    base = drawing(seed)

    def draw(*shape: int) -> Tensor:
        return base(*shape, scale=scale)

    v, b = 'base_model.visual', 'base_model'
    state = {f'{b}.positional_embedding': draw(context, text), f'{b}.text_projection': draw(text, embed)}
    state |= {f'{v}.class_embedding': draw(vision), f'{v}.positional_embedding': draw(positions, vision)}
    state |= {f'{v}.proj': draw(vision, embed), f'{v}.conv1.weight': draw(vision, 3, patch, patch)}
    state |= norm(draw, f'{v}.ln_pre', vision) | norm(draw, f'{v}.ln_post', vision)
    state |= transformer(draw, f'{v}.transformer', vision, depth)
    state |= transformer(draw, f'{b}.transformer', text, text_depth)
    state |= {f'{b}.token_embedding.weight': draw(vocab, text)} | norm(draw, f'{b}.ln_final', text)
    state |= linear(draw, 'classifier', classes, embed)
    state |= attention(draw, 'cross_attn', embed)
    state |= transformer(draw, 'cross_modal_transformer', embed, cmt_depth)
    for name in ('ln_pre_t', 'ln_pre_i', 'ln_post', 'mlm_head.ln'):
        state |= norm(draw, name, embed)
    return state | linear(draw, 'mlm_head.dense', embed, embed) | linear(draw, 'mlm_head.fc', vocab, embed)


def in_half(state: State) -> State:
    """Half precision where IRRA's training has it: matrices, convolutions and their biases, projections."""
    kept = ('ln_', 'positional_embedding', 'class_embedding', 'token_embedding', '.ln.')
    return {key: value if any(part in key for part in kept) else value.half() for key, value in state.items()}


def layer_norm(state: State, name: str, x: Tensor, eps: float = 1e-5) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    scaled = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    return scaled * state[f'{name}.weight'] + state[f'{name}.bias']


def apply(state: State, name: str, x: Tensor) -> Tensor:
    found = x @ state[f'{name}.weight'].T
    return found + state[f'{name}.bias'] if f'{name}.bias' in state else found


def quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


def heads_of(x: Tensor, heads: int) -> Tensor:
    """(B, L, D) -> (B, heads, L, D / heads)."""
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def mix(query: Tensor, key: Tensor, value: Tensor, heads: int, allowed: Tensor | None = None) -> Tensor:
    q, k, v = (heads_of(x, heads) for x in (query, key, value))
    logits = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -math.inf)
    return (logits.softmax(-1) @ v).transpose(1, 2).flatten(2)


def attend(state: State, name: str, query: Tensor, key: Tensor, heads: int, allowed: Tensor | None = None) -> Tensor:
    weights, biases = state[f'{name}.in_proj_weight'].chunk(3), state[f'{name}.in_proj_bias'].chunk(3)
    projected = [x @ w.T + b for x, w, b in zip((query, key, key), weights, biases, strict=True)]
    return apply(state, f'{name}.out_proj', mix(*projected, heads, allowed))


def run_blocks(state: State, name: str, x: Tensor, heads: int, allowed: Tensor | None = None) -> Tensor:
    number = 0
    while f'{name}.resblocks.{number}.ln_1.weight' in state:
        block = f'{name}.resblocks.{number}'
        y = layer_norm(state, f'{block}.ln_1', x)
        x = x + attend(state, f'{block}.attn', y, y, heads, allowed)
        y = quick_gelu(apply(state, f'{block}.mlp.c_fc', layer_norm(state, f'{block}.ln_2', x)))
        x = x + apply(state, f'{block}.mlp.c_proj', y)
        number += 1
    return x


def patches_of(images: Tensor, weight: Tensor) -> Tensor:
    """(B, 3, H, W) -> (B, patches, D), row by row."""
    size = weight.shape[-1]
    cut = images.unfold(2, size, size).unfold(3, size, size)  # (B, 3, h, w, size, size)
    return cut.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2) @ weight.flatten(1).T


def irra_image(state: State, images: Tensor, heads: int) -> Tensor:
    """All of a picture's tokens in the common space, the embedding first."""
    v = 'base_model.visual'
    patches = patches_of(images, state[f'{v}.conv1.weight'])
    cls = state[f'{v}.class_embedding'].expand(len(images), 1, -1)
    x = torch.cat([cls, patches], 1) + state[f'{v}.positional_embedding']
    x = run_blocks(state, f'{v}.transformer', layer_norm(state, f'{v}.ln_pre', x), heads)
    return layer_norm(state, f'{v}.ln_post', x) @ state[f'{v}.proj']


def irra_text(state: State, ids: Tensor, heads: int) -> Tensor:
    """All tokens of captions that are padded with zeros to the context's length, in the common space."""
    x = state['base_model.token_embedding.weight'][ids] + state['base_model.positional_embedding']
    causal = torch.ones(ids.shape[1], ids.shape[1]).tril().bool()
    x = run_blocks(state, 'base_model.transformer', x, heads, causal)
    return layer_norm(state, 'base_model.ln_final', x) @ state['base_model.text_projection']


def irra_embeddings(state: State, images: Tensor, ids: Tensor, heads: tuple[int, int]) -> tuple[Tensor, Tensor]:
    txt = irra_text(state, ids, heads[1])
    return irra_image(state, images, heads[0])[:, 0], txt[torch.arange(len(ids)), ids.argmax(-1)]


def irra_words(state: State, images: Tensor, masked_ids: Tensor, heads: tuple[int, int, int]) -> Tensor:
    """Scores (B, L, vocabulary) of the words at every place."""
    words = layer_norm(state, 'ln_pre_t', irra_text(state, masked_ids, heads[1]))
    picture = layer_norm(state, 'ln_pre_i', irra_image(state, images, heads[0]))
    x = run_blocks(state, 'cross_modal_transformer', attend(state, 'cross_attn', words, picture, heads[2]), heads[2])
    x = quick_gelu(apply(state, 'mlm_head.dense', layer_norm(state, 'ln_post', x)))
    return apply(state, 'mlm_head.fc', layer_norm(state, 'mlm_head.ln', x))


def unipt_state(
    *, grid: int, vision: int, depth: int, hidden: int, layers: int, inner: int, vocab: int, longest: int, common: int,
    patch: int = 16, seed: int = 0, scale: float = 0.3,
) -> State:  # fmt: skip
    """Random weights of a pre-training of UniPT, with what only the training needs."""
    base = drawing(seed)

    def draw(*shape: int) -> Tensor:
        return base(*shape, scale=scale)

    t, e = 'transformer', 'text_model.embeddings'
    state = {f'{t}.cls_token': draw(1, 1, vision), f'{t}.pos_embed': draw(1, 1 + grid * grid, vision)}
    state |= {f'{t}.mask_token': draw(1, 1, vision), f'{t}.decoder_pos_embed': draw(1, 9, vision)}
    state |= {f'{t}.patch_embed.proj.weight': draw(vision, 3, patch, patch), f'{t}.patch_embed.proj.bias': draw(vision)}
    for number in range(depth):
        block = f'{t}.blocks.{number}'
        state |= norm(draw, f'{block}.norm1', vision) | norm(draw, f'{block}.norm2', vision)
        state |= linear(draw, f'{block}.attn.qkv', 3 * vision, vision)
        state |= linear(draw, f'{block}.attn.proj', vision, vision)
        state |= linear(draw, f'{block}.mlp.fc1', 4 * vision, vision)
        state |= linear(draw, f'{block}.mlp.fc2', vision, 4 * vision)
    for name in ('norm', 'norm_mask', 'norm_visual', 'decoder_norm', 'decoder.0.norm1_q', 'decoder.0.norm2_cross'):
        state |= norm(draw, f'{t}.{name}', vision)
    for name in ('decoder_embed', 'decoder_pred', 'fc_mask', 'fc_visual', 'decoder.0.mlp_cross.fc1'):
        state |= linear(draw, f'{t}.{name}', vision, vision)
    state |= {f'{t}.decoder.0.gamma_1_cross': draw(vision), f'{t}.decoder.0.cross_attn.q_bias': draw(vision)}
    state |= {f'{e}.position_ids': torch.arange(longest)[None], f'{e}.word_embeddings.weight': draw(vocab, hidden)}
    state |= {f'{e}.position_embeddings.weight': draw(longest, hidden)}
    state |= {f'{e}.token_type_embeddings.weight': draw(2, hidden)} | norm(draw, f'{e}.LayerNorm', hidden)
    for number in range(layers):
        layer = f'text_model.encoder.layer.{number}'
        for name in ('query', 'key', 'value'):
            state |= linear(draw, f'{layer}.attention.self.{name}', hidden, hidden)
        state |= linear(draw, f'{layer}.attention.output.dense', hidden, hidden)
        state |= norm(draw, f'{layer}.attention.output.LayerNorm', hidden)
        state |= linear(draw, f'{layer}.intermediate.dense', inner, hidden)
        state |= linear(draw, f'{layer}.output.dense', hidden, inner) | norm(draw, f'{layer}.output.LayerNorm', hidden)
    state |= linear(draw, 'text_model.pooler.dense', hidden, hidden) | linear(draw, 'pooler.dense', hidden, hidden)
    state |= {'token_type_embeddings.weight': draw(2, hidden), 'clip.visual.proj': draw(4, 4)}
    state |= {'clip.logit_scale': draw()} | linear(draw, 'txt_proj', common, hidden)
    state |= linear(draw, 'img_proj', common, vision) | linear(draw, 'mlm_score.transform.dense', hidden, hidden)
    state |= norm(draw, 'mlm_score.transform.LayerNorm', hidden)
    return state | {'mlm_score.decoder.weight': draw(vocab, hidden), 'mlm_score.bias': draw(vocab)}


def corner_to_corner(table: Tensor, new: tuple[int, int]) -> Tensor:
    """A square grid (g, g, D) of position embeddings at (h, w) places, the corners at the corners; by hand."""
    side = table.shape[0]
    out = table.new_zeros(*new, table.shape[2])
    for row in range(new[0]):
        for column in range(new[1]):
            y = row * (side - 1) / max(new[0] - 1, 1)
            x = column * (side - 1) / max(new[1] - 1, 1)
            top, left = min(int(y), side - 2), min(int(x), side - 2)
            down, right = y - top, x - left
            upper = (1 - right) * table[top, left] + right * table[top, left + 1]
            lower = (1 - right) * table[top + 1, left] + right * table[top + 1, left + 1]
            out[row, column] = (1 - down) * upper + down * lower
    return out


def unipt_image(state: State, images: Tensor, heads: int) -> Tensor:
    """Embeddings (B, D) of pictures, not normalised."""
    t = 'transformer'
    weight = state[f'{t}.patch_embed.proj.weight']
    size = weight.shape[-1]
    places = images.shape[2] // size, images.shape[3] // size
    table = state[f'{t}.pos_embed'][0]
    side = math.isqrt(len(table) - 1)
    grid = corner_to_corner(table[1:].reshape(side, side, -1), places).flatten(0, 1)
    patches = patches_of(images, weight) + state[f'{t}.patch_embed.proj.bias'] + grid
    x = torch.cat([(state[f'{t}.cls_token'][0] + table[:1]).expand(len(images), 1, -1), patches], 1)
    number = 0
    while f'{t}.blocks.{number}.norm1.weight' in state:
        block = f'{t}.blocks.{number}'
        qkv = apply(state, f'{block}.attn.qkv', layer_norm(state, f'{block}.norm1', x, 1e-6)).chunk(3, -1)
        x = x + apply(state, f'{block}.attn.proj', mix(*qkv, heads))
        y = F.gelu(apply(state, f'{block}.mlp.fc1', layer_norm(state, f'{block}.norm2', x, 1e-6)))
        x = x + apply(state, f'{block}.mlp.fc2', y)
        number += 1
    return apply(state, 'img_proj', layer_norm(state, f'{t}.norm', x, 1e-6)).amax(1)


def unipt_tokens(state: State, ids: Tensor, mask: Tensor, heads: int) -> Tensor:
    """BERT's tokens (M, L, hidden); the mask hides padding from the words."""
    e = 'text_model.embeddings'
    x = state[f'{e}.word_embeddings.weight'][ids] + state[f'{e}.position_embeddings.weight'][: ids.shape[1]]
    x = layer_norm(state, f'{e}.LayerNorm', x + state[f'{e}.token_type_embeddings.weight'][0], 1e-12)
    number = 0
    while f'text_model.encoder.layer.{number}.output.dense.weight' in state:
        layer = f'text_model.encoder.layer.{number}'
        qkv = [apply(state, f'{layer}.attention.self.{name}', x) for name in ('query', 'key', 'value')]
        y = apply(state, f'{layer}.attention.output.dense', mix(*qkv, heads, mask[:, None, None, :]))
        x = layer_norm(state, f'{layer}.attention.output.LayerNorm', x + y, 1e-12)
        y = apply(state, f'{layer}.output.dense', F.gelu(apply(state, f'{layer}.intermediate.dense', x)))
        x = layer_norm(state, f'{layer}.output.LayerNorm', x + y, 1e-12)
        number += 1
    return x


def unipt_text(state: State, ids: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Embeddings (M, D): maxima over all places, padding as well."""
    return apply(state, 'txt_proj', unipt_tokens(state, ids, mask, heads)).amax(1)


def unipt_words(state: State, masked_ids: Tensor, mask: Tensor, heads: int) -> Tensor:
    """Scores (M, L, vocabulary)."""
    x = F.gelu(apply(state, 'mlm_score.transform.dense', unipt_tokens(state, masked_ids, mask, heads)))
    x = layer_norm(state, 'mlm_score.transform.LayerNorm', x, 1e-12)
    return x @ state['mlm_score.decoder.weight'].T + state['mlm_score.bias']
