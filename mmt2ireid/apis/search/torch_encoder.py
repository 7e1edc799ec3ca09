"""A trained model of the house as an encoder for searches."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from mmt2ireid.apis.devices import usable_device
from mmt2ireid.apis.model_zoo import find_config, get_model, report_adapted
from mmt2ireid.apis.search.encoder import TextReading, check_pictures
from mmt2ireid.apis.search.fingerprint import model_fingerprint, retrieval_heads, retrieval_network
from mmt2ireid.apis.search.preprocessing import PicturePreparation, image_steps, pipeline_tokenizer, test_pipeline
from mmt2ireid.apis.search.text_side import TextSide
from mmt2ireid.compat import load_from_local
from mmt2ireid.engine.checkpoint_fit import fit_checkpoint
from mmt2ireid.engine.config_file import read_config
from mmt2ireid.structures import PersonSample


class TorchEncoder(TextSide):
    """A config and a checkpoint as ``tools/test.py`` would evaluate them.

    Pictures run through the config's own test pipeline (without loading and packing), texts through its tokenizer, both
    through its data preprocessor. The words of a word vocabulary come from the checkpoint where it has them.

    Args:
        config: a path, a name such as ``unipt/vitb16_cuhk``, or a complete config.
        checkpoint: a checkpoint file.
        device: where to compute; by default a GPU if there is one.
        batch_size: pictures or texts that are encoded at a time.

    Attributes:
        model: the model, in evaluation mode.
        tokenizer: of the texts.
        picture_steps: configs of the transforms of pictures.
        dim: D, width of the vectors.
        fingerprint: of the model, see :func:`~mmt2ireid.apis.search.fingerprint.model_fingerprint`.

    Raises:
        FileNotFoundError: the config, the checkpoint or a file of the tokenizer is missing.
        ValueError: the checkpoint lacks weights that retrieval uses, the test pipeline gives images of another size
            than the encoder's, or an argument does not fit.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path,
        *,
        device: str | torch.device | None = None,
        batch_size: int = 64,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f'batch_size must be at least 1, but got {batch_size}')
        self.batch_size = batch_size
        self.device = usable_device(device)
        cfg = config if isinstance(config, Config) else read_config(find_config(config))
        pipeline = test_pipeline(cfg)
        self.model, words = _load_model(cfg, os.fspath(checkpoint))
        self.tokenizer = pipeline_tokenizer(pipeline, words)
        self.picture_steps = image_steps(pipeline)
        self._prepare = PicturePreparation(self.picture_steps, cfg.get('default_scope', 'mmt2ireid'))
        self._check_size()
        self.fingerprint = model_fingerprint(self.model, picture_steps=self.picture_steps, tokenizer=self.tokenizer)
        self.model.to(self.device)
        self._reading = threading.Lock()
        self.dim = self._encode_batch(self.tokenizer(['a person'])).shape[1]

    def encode_images(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Encodes pictures.

        Args:
            pictures: N arrays, uint8 RGB (H, W, 3), of any sizes.

        Returns:
            float32 (N, D), rows of unit length.

        Raises:
            ValueError: a picture is of another kind.
        """
        check_pictures(pictures)
        features = [np.zeros((0, self.dim), dtype=np.float32)]
        for start in range(0, len(pictures), self.batch_size):
            images = [self._prepare(picture) for picture in pictures[start : start + self.batch_size]]
            samples = [PersonSample(token_ids=[torch.zeros(1, dtype=torch.int64)]) for _ in images]
            features.append(self._run(images, samples, 'image'))
        return np.concatenate(features)

    def _check_size(self) -> None:
        wanted: Any = getattr(self.model, 'image_size', None)
        if wanted is None:
            return
        got = tuple(self._prepare(np.zeros((*wanted, 3), dtype=np.uint8)).shape[1:])
        if got != tuple(wanted):
            raise ValueError(
                f'the test pipeline must give images of the size of the image encoder, {wanted[0]} x {wanted[1]} '
                f'(height x width; its img_size or image_size), but gives {got[0]} x {got[1]}'
            )

    def _read(self, text: str) -> tuple[list[int], TextReading]:
        with self._reading:  # the count of truncated texts must be this one's
            before = self.tokenizer.num_truncated
            (ids,) = self.tokenizer([text])
            truncated = self.tokenizer.num_truncated > before
        words = [token for token, word in zip(ids, self.tokenizer.word_ids(text), strict=True) if word >= 0]
        unknown = sum(token in self.tokenizer.unknown_ids for token in words)
        return ids, TextReading(len(ids), truncated, len(words), unknown)

    def _encode_batch(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        sample = PersonSample(token_ids=[torch.tensor(row, dtype=torch.int64) for row in ids])
        return self._run([torch.zeros(3, 1, 1, dtype=torch.uint8)], [sample], 'text')

    @torch.inference_mode()
    def _run(self, images: list[Tensor], samples: list[PersonSample], what: str) -> np.ndarray:
        model: Any = self.model
        inputs = model.data_preprocessor(dict(inputs=images, data_samples=samples))['inputs']
        found = (
            model.encode_image(inputs.images)
            if what == 'image'
            else model.encode_text(inputs.token_ids, inputs.txt_mask)
        )
        return found.float().cpu().numpy()


def _load_model(cfg: Config, path: str) -> tuple[Any, list[str] | None]:
    """The model with a checkpoint's weights, and the words that the checkpoint was trained with, if it tells."""
    checkpoint = load_from_local(path, 'cpu')
    model = get_model(cfg)
    for name in ('encode_image', 'encode_text', 'data_preprocessor'):
        if not hasattr(model, name):
            raise ValueError(f'the model must have {name} to be searched with, but {type(model).__name__} has not')
    fit = fit_checkpoint(model, checkpoint, f'checkpoint {path}')
    report_adapted(fit, path)
    wrong = {*fit.difference.missing, *fit.difference.misshapen}
    needed = [key for key in sorted(wrong) if _is_used(model, key)]
    if needed:
        raise ValueError(
            f'checkpoint {path} must hold all weights that retrieval uses, but {len(needed)} are missing or of another '
            f'shape, first {", ".join(needed[:3])}: does it belong to this config?'
        )
    model.load_state_dict({key: value for key, value in fit.state.items() if key not in wrong}, strict=False)
    meta = checkpoint.get('meta') if 'state_dict' in checkpoint else None
    words = meta.get('vocabulary') if isinstance(meta, dict) else None
    return model.eval(), words


def _is_used(model: Any, key: str) -> bool:
    """Whether retrieval uses a weight of the model."""
    if retrieval_network(model) is not model:
        return key.startswith('teachers.0.')
    return not key.startswith('heads.') or key.startswith(tuple(f'heads.{name}.' for name in retrieval_heads(model)))
