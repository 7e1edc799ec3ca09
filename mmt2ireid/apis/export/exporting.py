"""A trained model to a folder that is searched with without torch."""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmt2ireid.apis.export.graphs import check_model, export_images, export_texts
from mmt2ireid.apis.export.parity import Parity, Timing, compare_encoders, measure
from mmt2ireid.apis.export.preparation import picture_preparation, text_preparation
from mmt2ireid.apis.export.tokenizer_files import write_tokenizer
from mmt2ireid.apis.model_zoo import find_config
from mmt2ireid.apis.search.exported_folder import FORMAT, IMAGE, META, TEXT, file_entry, is_export
from mmt2ireid.apis.search.onnx_encoder import OnnxEncoder
from mmt2ireid.apis.search.preprocessing import PicturePreparation
from mmt2ireid.apis.search.torch_encoder import TorchEncoder
from mmt2ireid.engine.config_file import read_config
from mmt2ireid.version import __version__

TOLERANCE = 1e-4
"""Features of unit length may differ by this much from the model's."""

_EXAMPLE_LENGTH = 8


@dataclass(frozen=True)
class ExportReport:
    """What was written.

    Attributes:
        folder: where.
        fingerprint: of the model.
        dim: width of its vectors.
        opset: of ONNX's operators.
        parity: how far the exported model is from its origin.
        timings: of both; empty where they were not wanted.
        threads: that both computed with.
        sizes: bytes of each file.
    """

    folder: Path
    fingerprint: str
    dim: int
    opset: int
    parity: Parity
    timings: tuple[Timing, ...]
    threads: int
    sizes: dict[str, int]

    def __str__(self) -> str:
        """For a terminal."""
        lines = [f'{self.folder}: model {self.fingerprint}, {self.dim} numbers per vector, ONNX opset {self.opset}']
        lines += [f'  {name:<16} {size / 1e6:10.2f} MB' for name, size in self.sizes.items()]
        for what, found in (('images', self.parity.images), ('texts', self.parity.texts)):
            lines.append(
                f'{what}: largest difference from torch {found.largest:.1e}, smallest cosine {found.cosine:.7f} '
                f'({found.count} compared)'
            )
        if self.timings:
            lines.append(f'per second, {self.threads} thread{"s" * (self.threads != 1)} of the CPU:')
            lines.append(f'  {"":<8}{"batch":>6}{"torch":>12}{"onnxruntime":>14}')
        for timing in self.timings:
            lines.append(f'  {timing.what:<8}{timing.batch:>6}{timing.torch:>12,.1f}{timing.onnx:>14,.1f}')
        return '\n'.join(lines)


def export_model(
    config: str | Path | Config,
    checkpoint: str | Path,
    out: str | Path,
    *,
    opset: int | None = None,
    force: bool = False,
    timing: bool = True,
    tolerance: float = TOLERANCE,
) -> ExportReport:
    """Writes both encoders as ONNX, compares them with the model and times both.

    The folder appears when all is done and compared, whole or not at all.

    Args:
        config: a path, a name such as ``unipt/vitb16_cuhk``, or a complete config.
        checkpoint: a checkpoint file.
        out: the folder to write.
        opset: version of ONNX's operators, 18 to 22; None for that which torch prefers.
        force: replace an exported model at ``out``.
        timing: measure how fast both are.
        tolerance: largest difference allowed.

    Returns:
        What was written and measured.

    Raises:
        FileExistsError: there is something at ``out`` that may not be replaced.
        OSError: ``out`` cannot be written.
        FileNotFoundError: the config, the checkpoint or a file of the tokenizer is missing.
        ImportError: onnx, onnxscript or onnxruntime is not installed.
        ValueError: the model or its test pipeline cannot be exported, or the exported model's features differ from the
            model's; the message says what.
    """
    target = Path(out)
    _check_target(target, force)
    cfg = config if isinstance(config, Config) else read_config(find_config(config))
    encoder = TorchEncoder(cfg, checkpoint, device='cpu')
    scope = cfg.get('default_scope', 'mmt2ireid')
    image = picture_preparation(PicturePreparation(encoder.picture_steps, scope).transforms)
    check_model(encoder.model)
    text = text_preparation(encoder.model, encoder.tokenizer)
    place = Path(os.path.realpath(target))  # of a link, the folder that it leads to
    place.parent.mkdir(parents=True, exist_ok=True)
    _tell_leftovers(place)
    temp = place.with_name(f'.{place.name}.{os.getpid()}.tmp')
    shutil.rmtree(temp, ignore_errors=True)
    temp.mkdir()
    try:
        # Below the longest: at that, slices of the position table would look like constants to the exporter.
        length = min(_EXAMPLE_LENGTH, text['max_length'] - 1)
        image |= export_images(encoder.model, (image['height'], image['width']), temp / IMAGE, opset)
        text |= export_texts(encoder.model, length, temp / TEXT, opset)
        meta: dict[str, Any] = dict(
            format=FORMAT,
            fingerprint=encoder.fingerprint,
            dim=encoder.dim,
            config=Path(getattr(cfg, 'filename', None) or 'config').stem,
            image=dict(image, file=IMAGE),
            text=dict(text, file=TEXT),
            tokenizer=write_tokenizer(encoder.tokenizer, temp),
            versions=_versions(),
        )
        meta['files'] = {path.name: file_entry(path) for path in sorted(temp.iterdir())}
        _write_meta(temp, meta)
        threads = torch.get_num_threads()
        exported = OnnxEncoder(temp, threads=threads)
        try:
            parity = compare_encoders(encoder, exported)
        except RuntimeError as error:
            raise ValueError(f'The exported model does not run: {error}; it was not kept') from error
        if not parity.largest <= tolerance:  # not a number is not within it
            raise ValueError(
                f"The exported model's features differ from the model's by {parity.images.largest:.1e} (images) and "
                f'{parity.texts.largest:.1e} (texts), but at most {tolerance:.0e} is allowed: it was not kept'
            )
        timings = tuple(measure(encoder, exported)) if timing else ()
        _write_meta(temp, dict(meta, parity=asdict(parity)))
        sizes = {name: entry['bytes'] for name, entry in meta['files'].items()}
        _check_target(target, force)  # it took a while
        _put(temp, place)
    except BaseException:
        shutil.rmtree(temp, ignore_errors=True)
        raise
    return ExportReport(target, encoder.fingerprint, encoder.dim, image['opset'], parity, timings, threads, sizes)


def _check_target(target: Path, force: bool) -> None:
    """Only an empty folder or, when told so, an exported model is replaced."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not target.is_dir() or not _is_ours(target):
        raise FileExistsError(f'{target} must be a new folder, but there is something else, which is never replaced')
    if not force:
        raise FileExistsError(f'{target} holds an exported model already; --force (force=True) replaces it')


def _is_ours(folder: Path) -> bool:
    """Whether a folder holds an exported model, not somebody else's ``meta.json``, and nothing but files."""
    if not is_export(folder) or any(path.is_dir() for path in folder.iterdir()):
        return False
    try:
        meta = json.loads((folder / META).read_bytes())
    except ValueError:
        return False
    return isinstance(meta, dict) and type(meta.get('format')) is int


def _tell_leftovers(target: Path) -> None:
    pattern = re.compile(rf'\.{re.escape(target.name)}\.\d+\.tmp(\.old)?')
    left = sorted(path.name for path in target.parent.iterdir() if pattern.fullmatch(path.name))
    if left:
        warnings.warn(
            f'{target.parent} has {", ".join(left)} of exports to {target.name} that were stopped, or still run; '
            'if none does, delete them (.old: the model that was to be replaced)',
            stacklevel=3,
        )


def _put(temp: Path, target: Path) -> None:
    """Gives the folder its name; what was there goes only after the new one is there."""
    old = temp.with_name(f'{temp.name}.old')
    if target.exists():
        os.rename(target, old)
    try:
        os.rename(temp, target)
    except OSError:
        if old.exists():
            os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_meta(folder: Path, meta: dict[str, Any]) -> None:
    (folder / META).write_text(json.dumps(meta, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


def _versions() -> dict[str, str]:
    found = {'mmt2ireid': __version__}
    for name in ('torch', 'onnx', 'onnxscript', 'onnxruntime', 'tokenizers', 'transformers', 'open_clip_torch'):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
