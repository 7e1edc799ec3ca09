"""Image backbones from checkpoints of mmpretrain, timm and DINO, whatever grid and prefix they have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.logging import print_log
from mmengine.model.weight_init import update_init_info
from torch import Tensor, nn

from mmt2ireid.models.weights.names import HEADS, to_mmpretrain
from mmt2ireid.models.weights.positions import resize_positions, table_of
from mmt2ireid.registry import WEIGHT_INITIALIZERS

WRAPPERS = ('state_dict', 'model', 'teacher', 'student')
"""Under which of its entries a checkpoint keeps weights; DINO's teacher goes before its student."""

PREFIXES = ('', 'module.', 'backbone.', 'module.backbone.', 'base.', 'image_encoder.', 'timm_model.')
"""What may stand before the names of a backbone's weights."""

TIMM_WRAPPERS = ('timm_model', 'timm_model.model')
"""What ``mmpretrain.TIMMBackbone`` puts before timm's own names, without and with ``features_only``."""


@WEIGHT_INITIALIZERS.register_module()
class BackbonePretrained:
    """Initialises an mmpretrain backbone, or ``mmpretrain.TIMMBackbone``, from a checkpoint that must fit it.

    MMEngine's ``Pretrained`` passes over what is missing, has to be told mmpretrain's names, and with them mmpretrain
    takes position embeddings for a square. This one takes the names of mmpretrain, timm and DINO, resizes position
    embeddings from the grid that is named, and refuses a checkpoint that leaves weights of the backbone random.

    Args:
        checkpoint: a file, or a URL; read weights-only. What holds ``state_dict``, ``model``, or ``teacher`` is
            unwrapped.
        prefix: of the backbone's names in the checkpoint (``'image_encoder.'`` in ours, ``'backbone.'`` in
            mmpretrain's). None: the one that fits most.
        grid: (rows, columns) of the patches that position embeddings were learnt on: (16, 8) for pictures of 256x128
            and patches of 16. None: what the file says (``meta.grid``), the backbone's own, or a square.
    """

    def __init__(self, checkpoint: str, *, prefix: str | None = None, grid: Sequence[int] | None = None) -> None:
        if grid is not None and (len(grid) != 2 or min(grid) < 1):
            raise ValueError(f'grid must be a number of rows and one of columns of patches, but got {grid}')
        self.checkpoint = checkpoint
        self.prefix = f'{prefix}.' if prefix and not prefix.endswith('.') else prefix
        self.grid = None if grid is None else (int(grid[0]), int(grid[1]))

    def __call__(self, module: nn.Module) -> None:
        """Loads the weights.

        Raises:
            FileNotFoundError: there is no such file, or it cannot be downloaded.
            ValueError: it is damaged, or does not fit the backbone.
        """
        from mmengine.runner import CheckpointLoader

        checkpoint = CheckpointLoader.load_checkpoint(self.checkpoint, map_location='cpu', logger='current')
        grid = _agreed(self.grid, _grid_of(checkpoint), self.checkpoint)
        load_backbone(module, unwrap(checkpoint, self.checkpoint), self.checkpoint, prefix=self.prefix, grid=grid)
        keep_loaded(module, f'BackbonePretrained: load from {self.checkpoint}')


def unwrap(checkpoint: Any, label: str, entries: Sequence[str] = WRAPPERS) -> dict[str, Tensor]:
    """The weights in a checkpoint.

    Args:
        checkpoint: what a file holds.
        label: what to call it.
        entries: names that may hold weights, the first one there is taken.

    Raises:
        ValueError: there are none.
    """
    found, known = checkpoint, set[int]()
    while isinstance(found, Mapping) and id(found) not in known:
        known.add(id(found))  # a file may hold itself
        inner = next((found[entry] for entry in entries if isinstance(found.get(entry), Mapping)), None)
        if inner is None:
            break
        found = inner
    state = (
        {key: value for key, value in found.items() if isinstance(value, Tensor)} if isinstance(found, Mapping) else {}
    )
    if not state:
        raise ValueError(
            f'{label} must hold a state dict, bare or under one of {", ".join(entries)}, but got '
            f'{sorted(map(str, found))[:5] if isinstance(found, Mapping) else type(found).__name__}'
        )
    return state


def load_backbone(
    module: nn.Module,
    state: Mapping[str, Tensor],
    label: str,
    *,
    prefix: str | None = None,
    grid: tuple[int, int] | None = None,
) -> None:
    """Loads a backbone's weights under any of the names that are known; see :class:`BackbonePretrained`.

    Args:
        module: the backbone.
        state: weights by name.
        label: what to call them.
        prefix: of the backbone's names, None to find it.
        grid: of the position embeddings.

    Raises:
        ValueError: they do not fit.
    """
    renamed, left = _choose_names(module, state, label, prefix)
    own = table_of(module)
    if own is not None and own.key in renamed:
        rows = renamed[own.key]
        if rows.ndim == 3 and rows.shape[1] > own.extra:
            renamed[own.key] = resize_positions(rows, own, grid, label)
    elif grid is not None:
        raise ValueError(
            f'grid must be None for {type(module).__name__} from {label}: no position embeddings to resize'
        )
    try:
        result = module.load_state_dict(renamed, strict=False)
    except (RuntimeError, AssertionError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines()]
        first = next((line for line in lines if 'mismatch' in line or 'doesn' in line), lines[0] if lines else '')
        raise ValueError(f'{label} must have the shapes of {type(module).__name__}, but: {first}') from error
    if result.missing_keys or result.unexpected_keys:
        raise ValueError(
            f'{label} must hold all weights of {type(module).__name__} and no other, but '
            f'{some(result.missing_keys)} missing and {some(result.unexpected_keys)} unknown'
        )
    told = f'; left there: {", ".join(f"{part} ({number})" for part, number in left.items())}' if left else ''
    print_log(f'{type(module).__name__}: {len(renamed)} weights from {label}{told}', logger='current')


def keep_loaded(module: nn.Module, info: str) -> None:
    """Sees to it that nothing starts anew what an initialiser has loaded.

    MMEngine initialises a module's children after it, and mmpretrain's backbones their position embeddings after that,
    unless the weights come from an initialiser named ``Pretrained``.

    Args:
        module: what has been loaded, from its own ``init_weights``.
        info: for MMEngine's log of where weights come from.

    Raises:
        ValueError: the module has other initialisers beside.
    """
    config = getattr(module, 'init_cfg', None)
    if isinstance(config, (list, tuple)):
        if len(config) > 1:
            raise ValueError(f'init_cfg must be one initialiser where it loads a whole backbone, but got {config}')
        config = config[0]
    if config is not None:
        module.init_cfg = dict(config, type='Pretrained')  # type: ignore[assignment]
    for child in module.modules():
        if child is not module and hasattr(child, 'init_weights'):
            child.is_init = True  # type: ignore[assignment]
    if hasattr(module, '_params_init_info'):
        update_init_info(module, init_info=info)


def _choose_names(
    module: nn.Module, state: Mapping[str, Tensor], label: str, prefix: str | None
) -> tuple[dict[str, Tensor], Counter[str]]:
    """The weights by the module's names, and how many were left, by part: heads, and what has another prefix."""
    own = module.state_dict().keys()
    best: tuple[int, str, dict[str, str]] = (0, '', {})
    for start in PREFIXES if prefix is None else (prefix,):
        bare = [key.removeprefix(start) for key in state if key.startswith(start)]
        wrapped = ({key: f'{wrapper}.{key}' for key in bare} for wrapper in TIMM_WRAPPERS)
        for names in ({key: key for key in bare}, to_mmpretrain(bare), *wrapped):
            fitting = sum(new in own for new in names.values())
            if fitting > best[0]:
                best = fitting, start, names
    fitting, start, names = best
    if not fitting:
        raise ValueError(
            f'{label} must hold weights of {type(module).__name__} (such as {next(iter(own))}) with prefix '
            f'{"one of " + str(PREFIXES) if prefix is None else repr(prefix)}, but got names like {sorted(state)[:3]}'
        )
    renamed, left = {}, Counter[str]()
    for key, value in state.items():
        bare_key = key.removeprefix(start)
        new = names[bare_key] if key.startswith(start) else None
        if new is None or (new not in own and bare_key.split('.')[0] in HEADS):
            left[key.split('.')[0]] += 1
        else:
            renamed[new] = value
    return renamed, left


def _grid_of(checkpoint: Any) -> tuple[int, int] | None:
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    grid = meta.get('grid') if isinstance(meta, Mapping) else None
    return (int(grid[0]), int(grid[1])) if grid is not None else None


def _agreed(given: tuple[int, int] | None, said: tuple[int, int] | None, label: str) -> tuple[int, int] | None:
    if given is not None and said is not None and given != said:
        raise ValueError(f'grid must be {said}, as {label} says, but got {given}')
    return said if given is None else given


def some(keys: Sequence[str]) -> str:
    """How many there are, with three examples: '4 are (a, b, c)'."""
    return f'{len(keys)} are ({", ".join(keys[:3])})' if keys else 'none are'
