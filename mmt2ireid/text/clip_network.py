"""open_clip models built safely: right activation, right preprocessing, weights only, errors that say what to do.

What open_clip 3.3 leaves to its callers: it builds ('ViT-B-16', 'openai') with plain GELU, though these weights were
trained with QuickGELU, and merely warns; a local file gets OpenAI's mean and standard deviation whatever its model;
a ``local-dir:`` or ``hf-hub:`` model without weights is random.

Both who trains CLIP's towers (``models``) and who scores with a frozen CLIP (``pseudo_text``) builds them here, in the
room that both may import.
"""

from __future__ import annotations

import difflib
import logging
import os
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from torch import nn

from mmt2ireid.text.clip_weights import (
    fetching,
    first_line,
    is_torchscript,
    load_weights,
    only_weights,
    openai_names,
)

BROUGHT = ('', 'openai')
"""What ``pretrained`` may be where the model brings its weights: nothing, or the default that nobody changed."""

PREPROCESS = ('mean', 'std', 'interpolation')
"""What a tag says of the images that its weights expect, apart from their size and the way of resizing."""


def import_open_clip() -> Any:
    """The module ``open_clip``, or an ImportError that names the extra."""
    try:
        import open_clip
    except ImportError as error:
        raise ImportError("CLIP models need open_clip: pip install 'mmt2ireid[clip]'") from error
    return open_clip


def build_network(
    model: str, pretrained: str = '', *, quick_gelu: bool | None = None, cache_dir: str | None = None
) -> nn.Module:
    """Builds a CLIP model of open_clip on the CPU, in float32, frozen, in evaluation mode.

    Args:
        model: a name that open_clip knows ('ViT-B-16'), ``local-dir:FOLDER`` or ``hf-hub:ID``.
        pretrained: a tag of the model, a file with its weights, or '' for random weights. The latter two kinds of model
            bring their weights: '' and the usual default, 'openai', mean these there.
        quick_gelu: activation x sigmoid(1.702 x). None: what the tag says, or else the model; a file cannot say (only
            OpenAI's own archives are known by their digest), so there is a warning where it matters.
        cache_dir: where downloads are kept; None for open_clip's default.

    Raises:
        ImportError: open_clip is not installed.
        ValueError: there is no such model or tag; a file is no weights, or of another model.
        FileNotFoundError: the weights cannot be fetched.
    """
    open_clip = import_open_clip()
    schema, _ = open_clip.factory.parse_model_name(model)
    build = _build_from_folder if schema else _build_by_name
    with only_weights():
        network = build(open_clip, model, pretrained, quick_gelu, cache_dir)
    return network.eval().requires_grad_(False)


def load_tokenizer(model: str, cache_dir: str | None = None) -> Any:
    """The tokenizer that open_clip gives to a model.

    Raises:
        FileNotFoundError: it has to be fetched, and cannot be.
    """
    open_clip = import_open_clip()
    name = model if open_clip.factory.parse_model_name(model)[0] else model.replace('/', '-')
    with fetching(f'the tokenizer of model {model!r}', 'download it on a machine with network into the same cache'):
        return open_clip.get_tokenizer(name, cache_dir=cache_dir)


def _build_from_folder(
    open_clip: Any, model: str, pretrained: str, quick_gelu: bool | None, cache_dir: str | None
) -> nn.Module:
    if pretrained not in BROUGHT:
        raise ValueError(f"pretrained must be '' for model {model!r}, which brings its weights, but got {pretrained!r}")
    changes = {} if quick_gelu is None else {'quick_gelu': quick_gelu}
    settings = {'cache_dir': cache_dir, 'pretrained_hf': False, 'require_pretrained': True, **changes}
    if model.startswith('hf-hub:'):
        place = _cache_place(model[7:], '', cache_dir)
        advice = (
            f'download all files of {model[7:]!r} into a folder ({_fetch_command(model[7:], "")}) and give '
            f'model="local-dir:FOLDER", or copy them into the cache, {place}'
        )
        with fetching(f'model {model!r}', advice):
            return open_clip.create_model(model, **settings)
    try:
        return open_clip.create_model(model, **settings)
    except (OSError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(
            f'model {model!r} must name a folder with open_clip_config.json (whose "model_cfg" describes the weights) '
            f'and weights as .safetensors or a state_dict, but: {first_line(error)}'
        ) from error


def _build_by_name(
    open_clip: Any, model: str, pretrained: str, quick_gelu: bool | None, cache_dir: str | None
) -> nn.Module:
    name = model.replace('/', '-')  # OpenAI's own spelling is ViT-B/16
    known = open_clip.list_models()
    if name not in known:
        raise ValueError(f'model must be one that open_clip knows, but got {model!r}{_near(name, known)}')
    tag_cfg = open_clip.get_pretrained_cfg(name, pretrained) if pretrained else {}
    path = ''
    if tag_cfg:
        path = _fetch(open_clip, name, pretrained, tag_cfg, cache_dir)
        quick = bool(tag_cfg.get('quick_gelu')) if quick_gelu is None else quick_gelu
    elif pretrained:
        path = _find_file(open_clip, name, pretrained)
        quick = _activation_of_file(open_clip, name, path) if quick_gelu is None else quick_gelu
    else:
        quick = bool(quick_gelu)
    changes = {} if quick_gelu is None else {'quick_gelu': quick_gelu}
    preprocess = tag_cfg or _common_preprocess(open_clip, name)
    with no_word_of_random_weights() if path else nullcontext():
        network = open_clip.create_model(
            name,
            pretrained=None,
            force_quick_gelu=quick,
            force_preprocess_cfg={key: preprocess[key] for key in PREPROCESS if key in preprocess},
            pretrained_hf=False,
            **changes,
        )
    if path:
        load_weights(open_clip, network, name, path)
    return network


@contextmanager
def no_word_of_random_weights() -> Iterator[None]:
    """Drops open_clip's warning that a model is random, where its weights are loaded thereafter."""

    def keep(record: logging.LogRecord) -> bool:
        return 'initialized randomly' not in record.getMessage()

    logging.getLogger().addFilter(keep)
    try:
        yield
    finally:
        logging.getLogger().removeFilter(keep)


def _fetch(open_clip: Any, name: str, tag: str, tag_cfg: dict, cache_dir: str | None) -> str:
    repository = str(tag_cfg.get('hf_hub') or '').strip('/')
    place = f'https://huggingface.co/{repository}' if repository else str(tag_cfg.get('url'))
    is_quick = bool(tag_cfg.get('quick_gelu'))
    call = f'pretrained=FILE{", quick_gelu=True" * is_quick}'
    command = f'--pretrained FILE{" --quick-gelu" * is_quick}'
    advice = (
        f'fetch them on a machine with network ({_fetch_command(repository, place)}) and give {call} ({command}), or '
        f'put them into the cache, {_cache_place(repository, place, cache_dir)}'
    )
    with fetching(f'the weights of model {name!r}, tag {tag!r} ({place})', advice):
        return open_clip.download_pretrained(tag_cfg, cache_dir=cache_dir)


def _fetch_command(repository: str, url: str) -> str:
    return f'hf download {_repository_id(repository)} --local-dir FOLDER' if repository else f'curl -L -O {url}'


def _cache_place(repository: str, url: str, cache_dir: str | None) -> str:
    """Where open_clip looks before it asks the network."""
    if not repository:
        return os.path.join(cache_dir or os.path.expanduser('~/.cache/clip'), os.path.basename(url))
    from huggingface_hub import constants

    folder = f'models--{_repository_id(repository).replace("/", "--")}'
    return os.path.join(cache_dir or constants.HF_HUB_CACHE, folder)


def _repository_id(repository: str) -> str:
    """Owner and name, of what may go on with a file's."""
    return '/'.join(repository.split('/')[:2])


def _find_file(open_clip: Any, name: str, pretrained: str) -> str:
    path = os.path.expanduser(pretrained)
    if os.path.isfile(path):
        return path
    tags = open_clip.list_pretrained_tags_by_model(name)
    raise ValueError(
        f'pretrained must be a tag of model {name!r} or a file, but got {pretrained!r}{_near(pretrained, tags)}'
    )


def _near(name: str, known: list[str]) -> str:
    close = {item.lower(): item for item in known}
    near = [close[item] for item in difflib.get_close_matches(name.lower(), close, n=5, cutoff=0.4)]
    return f'; near it: {", ".join(near)}' if near else f'; there are: {", ".join(known[:20]) or "none"}'


def _activation_of_file(open_clip: Any, name: str, path: str) -> bool:
    """Whether a file's weights are known to want QuickGELU; warns where that cannot be known."""
    own = bool(open_clip.get_model_config(name).get('quick_gelu'))
    if own or (is_torchscript(path) and openai_names(open_clip, path)):
        return True
    if any(cfg.get('quick_gelu') for cfg in _tag_cfgs(open_clip, name)):
        warnings.warn(
            f'{path} does not say whether its weights were trained with QuickGELU (as all of OpenAI and some others '
            f'of model {name!r} were); plain GELU is assumed. Say it by quick_gelu=True or quick_gelu=False '
            '(--quick-gelu, --no-quick-gelu)',
            stacklevel=2,
        )
    return False


def _common_preprocess(open_clip: Any, name: str) -> dict[str, Any]:
    """Mean, standard deviation and interpolation that all tags of a model share, for a file of that model."""
    found = {tuple(cfg.get(key) for key in PREPROCESS) for cfg in _tag_cfgs(open_clip, name)}
    return dict(zip(PREPROCESS, found.pop(), strict=True)) if len(found) == 1 else {}


def _tag_cfgs(open_clip: Any, name: str) -> list[dict[str, Any]]:
    return [open_clip.get_pretrained_cfg(name, tag) for tag in open_clip.list_pretrained_tags_by_model(name)]


def pretrained_label(model: str, pretrained: str) -> tuple[str, str]:
    """Model and weights as provenance names them: without the folders of this machine."""
    if model.startswith('local-dir:'):
        return f'local-dir:{Path(model.partition(":")[2]).resolve().name}', ''
    if model.startswith('hf-hub:'):
        return model, ''
    is_file = bool(pretrained) and os.path.isfile(os.path.expanduser(pretrained))
    return model, Path(pretrained).name if is_file else pretrained
