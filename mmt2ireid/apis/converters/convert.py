"""A published checkpoint in, a checkpoint of this toolbox out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.runner.checkpoint import save_checkpoint
from torch import Tensor, nn

from mmt2ireid.apis.converters.published_file import read_published
from mmt2ireid.apis.converters.rules import Advice, Routes, Rule, advise, find_routes
from mmt2ireid.apis.model_zoo import find_config, get_model
from mmt2ireid.engine.config_file import read_config
from mmt2ireid.engine.hooks.vocabulary import META_KEY
from mmt2ireid.text.word_tokenizer import FIRST_WORD_ID

NUM_EXAMPLES = 3


def unchanged(key: str, value: Tensor, model: nn.Module) -> Tensor:
    """The entry as it is."""
    return value


@dataclass(frozen=True)
class Converter:
    """What there is to know about the files of one code.

    Attributes:
        name: of the method.
        config: the config whose model its files are, by name.
        wrappers: keys under which its files have the weights.
        rules: where its entries go; the first that fits.
        advice: what to do about entries that do not fit.
        adapt: our key, the value and our model to the value that the model needs.
        foreign: keys by which files of other codes are known, and whose they are.
        changes: settings of the config to override, by dotted keys, before the caller's: heads of training that the
            files have nothing of.
        read_words: where token ids are words of a vocabulary of its own: reads the words, in the order of their ids,
            from a file that the code wrote beside the weights.
    """

    name: str
    config: str
    wrappers: Sequence[str]
    rules: Sequence[Rule]
    advice: Sequence[Advice] = ()
    adapt: Callable[[str, Tensor, nn.Module], Tensor] = unchanged
    foreign: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    read_words: Callable[[str], list[str]] | None = None


@dataclass(frozen=True)
class Conversion:
    """What was done.

    Attributes:
        state: our key to tensor, float32.
        routes: where every entry of the file went.
        sizes: shape of every entry of the file.
        halves: entries that the file had in half precision.
    """

    state: dict[str, Tensor]
    routes: Routes
    sizes: dict[str, tuple[int, ...]]
    halves: int


def convert_checkpoint(
    converter: Converter,
    checkpoint: str | Path,
    out: str | Path,
    *,
    config: str | Path | None = None,
    changes: Mapping[str, Any] | None = None,
    force: bool = False,
    words: str | Path | None = None,
) -> Conversion:
    """Converts a file. What it writes is whole, fits the config's model in every entry, or is not there.

    Args:
        converter: of the code that wrote the file.
        checkpoint: the file.
        out: the file to write.
        config: path or name of the config whose model it is; the converter's by default.
        changes: settings of the config to override, by dotted keys.
        force: replace ``out``.
        words: the file of its vocabulary, for converters that read one. The words go into the output's meta, where
            ``VocabularyHook`` and ``tools/build_vocabulary.py --checkpoint`` find them.

    Returns:
        What went where.

    Raises:
        FileExistsError: ``out`` is there.
        FileNotFoundError: there is no such checkpoint or config.
        ValueError: the file is no such checkpoint, or not of this model; every kind of misfit is named.
    """
    out = Path(out)
    if out.exists() and (not force or out.samefile(checkpoint) or out.is_dir()):
        raise FileExistsError(f'{out} must not exist, or be a file to be replaced with --force, but it is there')
    if out.suffix != '.pth':
        raise ValueError(f'{out} must end with .pth')
    if (words is None) != (converter.read_words is None):
        needed = 'given' if words is None else 'left out'
        raise ValueError(f'words must be {needed} for files of {converter.name}, but got {words}')
    vocabulary = None if converter.read_words is None else converter.read_words(str(words))
    source = read_published(str(checkpoint), converter.wrappers, converter.foreign)
    config = find_config(config or converter.config)
    cfg = read_config(config, {**converter.changes, **(changes or {})})
    if not cfg.get('model'):
        raise ValueError(f'{config} must describe a model, but has none')
    conversion = convert_state(converter, source, get_model(cfg), str(checkpoint))
    meta: dict[str, Any] = dict(converted_from=Path(checkpoint).name, method=converter.name, config=config.name)
    if changes:
        meta['cfg_options'] = str(dict(changes))
    if vocabulary is not None:
        _check_vocabulary(vocabulary, str(words), conversion.state)
        meta[META_KEY] = vocabulary
    save_checkpoint(dict(meta=meta, state_dict=conversion.state), str(out))
    return conversion


def convert_state(converter: Converter, source: Mapping[str, Tensor], model: nn.Module, label: str) -> Conversion:
    """Converts weights to those of a model.

    Args:
        converter: of the code that they come from.
        source: published key to tensor.
        model: ours; the weights are loaded into it.
        label: what to call them.

    Returns:
        What went where.

    Raises:
        ValueError: an entry is unknown, missing, of another shape or not finite; every kind is named.
    """
    own = model.state_dict()
    routes = find_routes(source, converter.rules, own)
    _check_whose(converter, routes, source, label)
    state = {
        target: _plain(converter.adapt(target, source[key], model), own.get(target))
        for key, target in routes.mapped.items()
    }
    problems = [*_misfits(converter, routes, state, own), *_no_floats(source, routes, own), *_not_finite(state)]
    if problems:
        raise ValueError(f'{label} must be of the model of the config, but\n' + '\n'.join(problems))
    model.load_state_dict(state)
    halves = sum(source[key].dtype in (torch.float16, torch.bfloat16) for key in routes.mapped)
    return Conversion(state, routes, {key: tuple(value.shape) for key, value in source.items()}, halves)


def _check_vocabulary(vocabulary: Sequence[str], path: str, state: Mapping[str, Tensor]) -> None:
    rows = len(state['text_encoder.embedding.weight'])
    if len(vocabulary) + FIRST_WORD_ID != rows:
        raise ValueError(
            f'{path} must hold the {rows - FIRST_WORD_ID} words of the file, one per row of its word embedding but the '
            f'last, which is of unknown words, but holds {len(vocabulary)}'
        )


def _check_whose(converter: Converter, routes: Routes, source: Mapping[str, Tensor], label: str) -> None:
    if not routes.mapped:
        names = ', '.join(list(source)[:NUM_EXAMPLES])
        raise ValueError(f'{label} must be a checkpoint of {converter.name}, but its entries are called {names}, ...')


def _plain(value: Tensor, own: Tensor | None) -> Tensor:
    """In the model's own precision, with a storage of its own."""
    dtype = own.dtype if own is not None else torch.float32
    return value.detach().to(dtype, copy=True).contiguous()


def _misfits(converter: Converter, routes: Routes, state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> list[str]:
    lines = _told('unknown', routes.unknown, 'no rule says what this entry of the file is for')
    names = {target: key for key, target in routes.mapped.items()}
    beyond = [names[target] for target in state if target not in own]
    lines += _told('too many', beyond, 'the model has no place for it: it has fewer layers, or lacks this part')
    missing = [key for key in own if key not in state]
    lines += _told(
        'missing', missing, 'if the file lacks a whole head, take it out: --cfg-options model.heads.NAME=None'
    )
    shapes: dict[str, list[str]] = {}
    for key, value in state.items():
        if key in own and value.shape != own[key].shape:
            advice = advise(converter.advice, key, tuple(value.shape))
            line = f'{names[key]} {tuple(value.shape)} instead of {tuple(own[key].shape)} ({key})'
            shapes.setdefault(advice, []).append(line)
    for advice, entries in shapes.items():
        lines += _told('of another shape', entries, advice)
    return lines


def _no_floats(source: Mapping[str, Tensor], routes: Routes, own: Mapping[str, Tensor]) -> list[str]:
    """Whole numbers are those of a quantised model, whose scale would be lost; complex ones would lose a part."""
    wanted = {key for key, target in routes.mapped.items() if target in own and own[target].is_floating_point()}
    bad = [key for key in source if key in wanted and not source[key].is_floating_point()]
    return _told('no floating numbers', bad, 'the file is of a quantised model, or of another code')


def _not_finite(state: Mapping[str, Tensor]) -> list[str]:
    bad = [key for key, value in state.items() if value.is_floating_point() and not bool(value.isfinite().all())]
    return _told('not finite', bad, 'the file is damaged, or its training had diverged')


def _told(kind: str, entries: Sequence[str], advice: str) -> list[str]:
    if not entries:
        return []
    examples = ', '.join(entries[:NUM_EXAMPLES]) + (', ...' if len(entries) > NUM_EXAMPLES else '')
    return [f'  {kind}: {len(entries)} ({examples}){f": {advice}" if advice else ""}']
