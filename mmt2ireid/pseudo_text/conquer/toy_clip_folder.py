"""The folder of a toy CLIP: what open_clip loads as ``local-dir:FOLDER``, and how it came about."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from torch import nn

CONFIG, WEIGHTS, RECIPE = 'open_clip_config.json', 'open_clip_model.safetensors', 'toy_clip.json'
MAKER = 'toy_clip'


def toy_clip_stands(folder: str | os.PathLike[str], recipe: dict[str, Any], *, fresh: bool = False) -> bool:
    """Whether a folder holds the toy CLIP of a recipe, whole and unchanged.

    Args:
        folder: where it would be.
        recipe: all that it depends on, as JSON holds it.
        fresh: it is to be made anew, whatever stands there.

    Returns:
        False where there is nothing yet, or ``fresh`` is on: then :func:`write_toy_clip` may write there.

    Raises:
        ValueError: it was made by another recipe, or was changed since, and ``fresh`` is off.
        FileExistsError: there is something that no toy CLIP is, or that ``fresh`` would remove with it.
    """
    folder = Path(folder)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    found = _read(folder / RECIPE)
    if found is None:
        raise FileExistsError(f'{folder}: holds something other than a toy CLIP (no {RECIPE}); choose another folder')
    strange = sorted({path.name for path in folder.iterdir()} - {CONFIG, WEIGHTS, RECIPE})
    if strange and fresh:
        raise FileExistsError(f'{folder}: holds more than a toy CLIP ({", ".join(strange)}), which would be lost')
    if fresh:
        return False
    if found.get('recipe') != recipe:
        raise ValueError(
            f'{folder}: made with other options ({_difference(found.get("recipe"), recipe)}); choose another folder, '
            'or train again with --fresh'
        )
    for name, digest in found.get('sha256', {}).items():
        if not (folder / name).is_file() or _sha256(folder / name) != digest:
            raise ValueError(f'{folder}: {name} is missing or was changed since it was made; train again with --fresh')
    return True


def write_toy_clip(
    folder: str | os.PathLike[str], network: nn.Module, config: dict[str, Any], recipe: dict[str, Any]
) -> None:
    """Writes the folder whole or not at all; a toy CLIP that stands there is replaced.

    Args:
        folder: where to write.
        network: the trained model.
        config: what ``open_clip_config.json`` says.
        recipe: all that the weights depend on, as JSON holds it.
    """
    from safetensors.torch import save

    folder = Path(folder)
    unfinished = folder.with_name(f'.{folder.name}.unfinished')
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    weights = save({name: value.contiguous() for name, value in network.state_dict().items()})
    (unfinished / WEIGHTS).write_bytes(weights)
    (unfinished / CONFIG).write_text(json.dumps(config, indent=1) + '\n', encoding='utf-8')
    digests = {name: _sha256(unfinished / name) for name in (CONFIG, WEIGHTS)}
    content = {'maker': MAKER, 'recipe': recipe, 'sha256': digests}
    (unfinished / RECIPE).write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
    for path in unfinished.iterdir():
        _sync(path)
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(unfinished, folder)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get('maker') == MAKER else None


def _difference(found: Any, wanted: dict[str, Any]) -> str:
    if not isinstance(found, dict):
        return 'its recipe cannot be read'
    before, now = _flat(found), _flat(wanted)
    names = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    return ', '.join(f'{name} {before.get(name)} there, {now.get(name)} asked for' for name in names)


def _flat(recipe: dict[str, Any], above: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in recipe.items():
        flat.update(_flat(value, f'{above}{name}.') if isinstance(value, dict) else {f'{above}{name}': value})
    return flat


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sync(path: Path) -> None:
    with open(path, 'rb+') as file:
        os.fsync(file.fileno())
