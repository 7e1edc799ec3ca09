"""What is done to pictures and texts before the graphs see them, as ``meta.json`` says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmcv.transforms import Resize

from mmt2ireid.apis.search.onnx_encoder import INTERPOLATIONS


def picture_preparation(transforms: Sequence[Any]) -> dict[str, Any]:
    """How pictures are resized.

    Args:
        transforms: of the test pipeline's pictures, built.

    Returns:
        ``height``, ``width`` and ``interpolation``.

    Raises:
        ValueError: they are anything but one ``Resize`` to a fixed size by OpenCV.
    """
    advice = 'an exported model resizes pictures to a fixed size and does nothing else'
    if len(transforms) != 1 or type(transforms[0]) is not Resize:
        names = ', '.join(type(transform).__name__ for transform in transforms) or 'nothing'
        raise ValueError(
            f'The test pipeline must have one Resize between loading and packing, but has {names}: {advice}'
        )
    (resize,) = transforms
    if resize.scale is None or resize.keep_ratio:
        raise ValueError(
            'Resize of the test pipeline must have a scale=(width, height) and keep_ratio=False, but got '
            f'scale={resize.scale}, scale_factor={resize.scale_factor}, keep_ratio={resize.keep_ratio}: {advice}'
        )
    if resize.backend != 'cv2' or resize.interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"Resize of the test pipeline must have backend='cv2' and one of {sorted(INTERPOLATIONS)}, but got "
            f'{resize.backend!r} and {resize.interpolation!r}: an exported model resizes by OpenCV'
        )
    width, height = resize.scale
    return dict(height=int(height), width=int(width), interpolation=resize.interpolation)


def text_preparation(model: Any, tokenizer: Any) -> dict[str, Any]:
    """How texts are padded.

    Args:
        model: whose data preprocessor pads.
        tokenizer: of the texts.

    Returns:
        ``max_length``, ``pad_id`` and ``pad_to``.

    Raises:
        ValueError: the tokenizer gives more or other ids than the text encoder can read.
    """
    preprocessor = model.data_preprocessor
    limit, vocabulary = getattr(preprocessor, 'max_length', None), getattr(preprocessor, 'vocab_size', None)
    longest = preprocessor.pad_to or tokenizer.max_length
    if limit is not None and max(longest, tokenizer.max_length) > limit:
        raise ValueError(
            f'max_length of the tokenizer and pad_to must be at most {limit}, what the text encoder can read, but got '
            f'{tokenizer.max_length} and {preprocessor.pad_to}'
        )
    if preprocessor.pad_to is not None and preprocessor.pad_to < tokenizer.max_length:
        raise ValueError(
            f'pad_to must be at least max_length={tokenizer.max_length} of the tokenizer, but got {preprocessor.pad_to}'
        )
    if vocabulary is not None and tokenizer.vocab_size > vocabulary:
        raise ValueError(
            f"The tokenizer's ids must be below vocab_size={vocabulary} of the text encoder, but it has "
            f'{tokenizer.vocab_size}; tokenizer and text encoder do not belong together'
        )
    return dict(max_length=tokenizer.max_length, pad_id=preprocessor.pad_id, pad_to=preprocessor.pad_to)
