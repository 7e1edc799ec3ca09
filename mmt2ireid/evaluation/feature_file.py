"""Writes the features of an evaluated split, for ranked strips and other work after the evaluation."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

HEADER = 'mmt2ireid.retrieval_features'


def save_features(
    path: str | Path,
    *,
    img_feats: Tensor,
    txt_feats: Tensor,
    pids: Tensor,
    image_ids: Tensor,
    txt_image: Tensor,
    img_paths: Sequence[str],
    captions: Sequence[str],
) -> None:
    """Writes one safetensors file, whole or not at all; its folder is made where it is missing.

    The tensors have the names of the arguments. Paths and captions stand in the file's own header, in the entry
    ``mmt2ireid.retrieval_features``, as JSON ``{"img_paths": [...], "captions": [...]}``, so that numbers and words
    cannot come apart. The same content makes the same bytes.

    Args:
        path: file to write.
        img_feats: float32 (N, D).
        txt_feats: float32 (M, D).
        pids: int64 (N,), identities of the images.
        image_ids: int64 (N,).
        txt_image: int64 (M,), the row of ``img_feats`` that a caption describes.
        img_paths: N paths.
        captions: M captions.

    Raises:
        ValueError: lengths that do not fit.
    """
    num_images, num_captions = len(img_feats), len(txt_feats)
    per_image = {'pids': pids, 'image_ids': image_ids, 'img_paths': img_paths}
    per_caption = {'txt_image': txt_image, 'captions': captions}
    for fields, length in ((per_image, num_images), (per_caption, num_captions)):
        for name, field in fields.items():
            if len(field) != length:
                raise ValueError(f'{name} must have {length} entries, but got {len(field)}')
    tensors = {
        'img_feats': img_feats.float(),
        'txt_feats': txt_feats.float(),
        'pids': pids.to(torch.int64),
        'image_ids': image_ids.to(torch.int64),
        'txt_image': txt_image.to(torch.int64),
    }
    # One entry: several would be written in an order that changes from run to run.
    header = {HEADER: json.dumps({'img_paths': list(img_paths), 'captions': list(captions)})}
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Ends as the files that a run cleans up after a kill.
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, temporary, metadata=header)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
