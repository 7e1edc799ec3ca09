"""The two encoders of a model as modules of plain tensors, and as ONNX graphs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmt2ireid.compat import any_number_of_windows

OPSETS = range(18, 23)
"""What torch's exporter writes and onnxruntime runs: of 23 on, attention is one operator, for which onnxruntime wants
masks of another shape."""

_ONE_FILE_BYTES = 1_900_000_000  # a protobuf may have 2 GiB
_LOUD = ('torch.onnx', 'onnxscript', 'onnx_ir')
_PREPARATION = ('mean', 'std', 'to_rgb', 'pad_id', 'pad_to')


class ImageGraph(nn.Module):
    """Pictures as users have them to features: normalisation and order of channels are inside.

    Args:
        model: a model with ``encode_image`` and a data preprocessor.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.register_buffer('mean', model.data_preprocessor.mean.detach().clone())
        self.register_buffer('std', model.data_preprocessor.std.detach().clone())
        self.to_rgb = bool(model.data_preprocessor.to_rgb)

    def forward(self, pictures: Tensor) -> Tensor:
        """Encodes pictures.

        Args:
            pictures: uint8 RGB (B, H, W, 3).

        Returns:
            float32 (B, D), rows of unit length.
        """
        images = pictures.permute(0, 3, 1, 2)
        if not self.to_rgb:
            images = images.flip(1)
        return self.model.encode_image((images.float() - self.mean) / self.std)


class TextGraph(nn.Module):
    """Token ids to features; padding is told by length, for there are tokenizers whose id of padding is a word too.

    Args:
        model: a model with ``encode_text``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, token_ids: Tensor, lengths: Tensor) -> Tensor:
        """Encodes texts.

        Args:
            token_ids: int64 (M, L), padded at the end.
            lengths: int64 (M,), how many ids of a row are real, at least one.

        Returns:
            float32 (M, D), rows of unit length.
        """
        mask = torch.arange(token_ids.shape[1], device=token_ids.device)[None] < lengths[:, None]
        return self.model.encode_text(token_ids, mask)


def check_model(model: Any) -> None:
    """Says what keeps a model from being exported, as far as that can be told beforehand.

    Raises:
        ValueError: something does.
    """
    preprocessor = getattr(model, 'data_preprocessor', None)
    lacking = [name for name in _PREPARATION if not hasattr(preprocessor, name)]
    if lacking:
        raise ValueError(
            'data_preprocessor must be a PairDataPreprocessor for its normalisation to be exported, but '
            f'{type(preprocessor).__name__} has no {", ".join(lacking)}'
        )
    if any(getattr(part, 'half_weights', False) for part in model.modules()):
        raise ValueError(
            'half_weights of the encoders must be False for an export, but got True; a checkpoint trained with it '
            'holds the same weights'
        )


def export_images(model: Any, size: tuple[int, int], path: Path, opset: int | None = None) -> dict[str, Any]:
    """Writes the image encoder.

    Args:
        model: on the CPU, in evaluation mode.
        size: height and width of the pictures.
        path: of the file.
        opset: version of ONNX's operators; None for that which torch prefers.

    Returns:
        What ``meta.json`` says of the graph.

    Raises:
        ValueError: the encoder cannot be exported.
    """
    pictures = torch.zeros(2, *size, 3, dtype=torch.uint8)
    part = f'the image encoder, {_kind(model, "image_encoder")},'
    found = _export(ImageGraph(model), (pictures,), ['pictures'], ({0: 'batch'},), part, path, opset)
    return dict(found, input='pictures', layout='(batch, height, width, 3) uint8 RGB', output='features')


def export_texts(model: Any, length: int, path: Path, opset: int | None = None) -> dict[str, Any]:
    """Writes the text encoder.

    Args:
        model: on the CPU, in evaluation mode.
        length: some length of texts in tokens that the model can read.
        path: of the file.
        opset: version of ONNX's operators; None for that which torch prefers.

    Returns:
        What ``meta.json`` says of the graph.

    Raises:
        ValueError: the encoder cannot be exported.
    """
    token_ids, lengths = torch.ones(2, length, dtype=torch.int64), torch.tensor([length, 1])
    shapes = ({0: 'batch', 1: 'length'}, {0: 'batch'})
    part = f'the text encoder, {_kind(model, "text_encoder")},'
    found = _export(TextGraph(model), (token_ids, lengths), ['token_ids', 'lengths'], shapes, part, path, opset)
    layout = 'token_ids (batch, length) int64, padded at the end; lengths (batch,) int64'
    return dict(found, inputs=['token_ids', 'lengths'], layout=layout, output='features')


def _export(
    graph: nn.Module,
    inputs: tuple[Tensor, ...],
    names: list[str],
    shapes: tuple[dict[int, str], ...],
    part: str,
    path: Path,
    opset: int | None,
) -> dict[str, Any]:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(f"Exporting needs onnx and onnxscript: pip install 'mmt2ireid[export]' ({error})") from error
    if opset is not None and opset not in OPSETS:
        raise ValueError(f'opset must be from {OPSETS[0]} to {OPSETS[-1]}, but got {opset}')
    graph = graph.eval()
    try:
        with torch.no_grad(), _plain_attention(), any_number_of_windows(), _quiet():
            program: Any = torch.onnx.export(
                graph,
                inputs,
                dynamo=True,
                input_names=names,
                output_names=['features'],
                dynamic_shapes=shapes,
                opset_version=opset,
                verbose=False,
            )
    except Exception as error:  # torch's errors of tracing, translating and checking have no common class
        raise ValueError(f'{part} cannot be exported to ONNX: {_reason(error)}') from error
    model = program.model
    written = model.opset_imports.get('')
    if opset is not None and written != opset:
        raise ValueError(f'{part} cannot be exported to ONNX of opset {opset}: torch wrote {written}')
    _strip(model)
    program.save(str(path), external_data=_weight_bytes(graph) > _ONE_FILE_BYTES)
    return dict(opset=written)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Inside, torch's attention is made of operators that ONNX knows."""
    mha = torch.backends.mha
    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Holds back what the exporter says of its own steps."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


def _strip(model: Any) -> None:
    """Takes out the exporter's notes: stack traces with the paths of this machine, for every operator."""
    graphs = [model.graph, *model.functions.values()]
    for graph in graphs:
        for node in graph.all_nodes():
            node.metadata_props.clear()
            node.doc_string = None
            for value in node.outputs:
                value.metadata_props.clear()
        for value in (*graph.inputs, *getattr(graph, 'initializers', {}).values()):
            value.metadata_props.clear()
        graph.metadata_props.clear()
    model.metadata_props.clear()


def _weight_bytes(graph: nn.Module) -> int:
    tensors = (*graph.parameters(), *graph.buffers())
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _kind(model: Any, part: str) -> str:
    encoder = getattr(model, part, None) or getattr((getattr(model, 'teachers', None) or [None])[0], part, None)
    inner = getattr(encoder, 'encoder', encoder)
    names = dict.fromkeys((type(encoder).__name__, type(inner).__name__))
    return ' of '.join(names)


def _reason(error: BaseException) -> str:
    """The innermost cause in one line; the exporter wraps errors in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = ' '.join(lines[:2])
    return f'{type(error).__name__}: {text[:300]}'
