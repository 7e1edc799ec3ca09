"""Collated items to one normalised, padded batch on the device."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmt2ireid.registry import MODELS
from mmt2ireid.structures import MaskedText, PairInputs, PairTargets, PersonSample


@MODELS.register_module()
class PairDataPreprocessor(BaseDataPreprocessor):
    """Moves uint8 images to the device and normalises them there; pads token ids to the longest caption of the batch.

    What is drawn or counted is drawn or counted on the host, before the copy, so that no step waits for the device.

    Args:
        mean: per channel, of pixel values 0..255, in the order that the model sees.
        std: per channel.
        to_rgb: images come as BGR (as mmcv reads them) and the model wants RGB.
        pad_id: token id of padding.
        pad_to: pad every caption to this many tokens in place of the batch's longest.
        non_blocking: copy to the device without waiting; needs ``pin_memory`` in the dataloader to have an effect.

    Raises:
        ValueError: if ``mean`` or ``std`` has not three values, a value of ``std`` is not positive.
    """

    def __init__(
        self,
        *,
        mean: Sequence[float] = (127.5, 127.5, 127.5),
        std: Sequence[float] = (127.5, 127.5, 127.5),
        to_rgb: bool = True,
        pad_id: int = 0,
        pad_to: int | None = None,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f'mean and std must be three numbers each, std positive, but got {mean} and {std}')
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.to_rgb, self.pad_id, self.pad_to = to_rgb, pad_id, pad_to
        # Set by the model, whose text encoder and heads know them.
        self.vocab_size: int | None = None
        self.max_length: int | None = None
        self.needed_views: Collection[int] | None = None  # all

    def forward(self, data: dict, training: bool = False) -> dict:
        """Makes the batch.

        Args:
            data: ``inputs``, uint8 images (3, H, W), and ``data_samples``, as many :class:`PersonSample`.
            training: not used; a batch has targets whenever its samples have them.

        Returns:
            ``inputs``: :class:`PairInputs`; ``data_samples``: the samples as they came.

        Raises:
            ValueError: if the pipeline did not pack its items, images or views differ in size, a sample has no token
                ids, a caption is empty or longer than the text encoder can read, or an id is beyond the vocabulary.
        """
        missing = [key for key in ('inputs', 'data_samples') if key not in data]
        if missing:
            raise ValueError(
                f'The batch must hold inputs and data_samples, but {" and ".join(missing)} are missing: the pipeline '
                'must end with PackPersonInputs'
            )
        samples = list(data['data_samples'])
        ids = [caption for sample in samples for caption in self._token_ids(sample)]
        token_ids, txt_mask = self._pad(ids)
        inputs = PairInputs(
            images=self._images(data['inputs'], samples),
            token_ids=self._to_device(token_ids),
            txt_mask=self._to_device(txt_mask),
            num_captions=tuple(len(sample.token_ids) for sample in samples),
            targets=self._targets(samples, token_ids),
            views=self._views(samples),
        )
        return dict(inputs=inputs, data_samples=samples)

    def _images(self, images: Sequence[Tensor], samples: list[PersonSample]) -> Tensor:
        for image, sample in zip(images, samples, strict=True):
            if image.shape != images[0].shape:
                raise ValueError(
                    f'Images of a batch must have one size (Resize in the pipeline), but got '
                    f'{tuple(images[0].shape)} for {samples[0].get("img_path")} and '
                    f'{tuple(image.shape)} for {sample.get("img_path")}'
                )
        batch = torch.stack([self._to_device(image) for image in images])
        if self.to_rgb:
            batch = batch.flip(1)
        return (batch.float() - self.mean) / self.std

    def _views(self, samples: list[PersonSample]) -> dict[int, Tensor]:
        counts = {len(sample.get('views', ())) for sample in samples}
        if len(counts) > 1:
            raise ValueError(f'views must be as many for all items of a batch, but got {sorted(counts)}')
        numbers = [number for number in range(*counts) if self.needed_views is None or number in self.needed_views]
        return {number: self._images([sample.views[number] for sample in samples], samples) for number in numbers}

    def _token_ids(self, sample: PersonSample) -> list[Tensor]:
        if sample.get('token_ids') is None:
            raise ValueError(
                f'{sample.get("img_path")}: token_ids must hold the captions of the image, but got None; the pipeline '
                'needs Tokenize'
            )
        if not all(len(caption) for caption in sample.token_ids):
            raise ValueError(
                f'{sample.get("img_path")}: every caption must have at least one token, but got '
                f'{[len(caption) for caption in sample.token_ids]}'
            )
        return sample.token_ids

    def _pad(self, ids: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Pads captions (L_m,) to int64 (M, L) and the mask bool (M, L), on the host."""
        longest = max((len(caption) for caption in ids), default=1)  # gallery images may have no captions
        length = self.pad_to or longest
        if longest > length:
            raise ValueError(f'pad_to must be at least the longest caption, {longest} tokens, but got {length}')
        if self.max_length is not None and length > self.max_length:
            raise ValueError(
                f'Captions must have at most max_length={self.max_length} tokens, which the text encoder '
                f'can read, but got {length}; limit the tokenizer or pad_to'
            )
        token_ids = torch.full((len(ids), length), self.pad_id, dtype=torch.int64)
        mask = torch.zeros((len(ids), length), dtype=torch.bool)
        for row, caption in enumerate(ids):
            token_ids[row, : len(caption)] = caption
            mask[row, : len(caption)] = True
        if ids:
            self._check_vocabulary(token_ids)
        return token_ids, mask

    def _check_vocabulary(self, token_ids: Tensor) -> None:
        highest = int(token_ids.max())
        if self.vocab_size is not None and highest >= self.vocab_size:
            raise ValueError(
                f"Token ids must be below the text encoder's vocab_size={self.vocab_size}, but got "
                f'{highest}; tokenizer and text encoder do not belong together'
            )

    def _targets(self, samples: list[PersonSample], token_ids: Tensor) -> PairTargets:
        columns = torch.tensor(
            [[sample.get('pid', -1), sample.get('image_id', -1), sample.get('sample_idx', -1)] for sample in samples],
            dtype=torch.int64,
        )
        pids, image_ids, sample_idx = self._to_device(columns).unbind(1)
        return PairTargets(pids, image_ids, sample_idx, self._masked(samples, token_ids))

    def _masked(self, samples: list[PersonSample], token_ids: Tensor) -> MaskedText | None:
        if not all('masked_token_ids' in sample and len(sample.token_ids) == 1 for sample in samples):
            return None
        masked, length = token_ids.clone(), token_ids.shape[1]
        for row, sample in enumerate(samples):
            masked[row, : len(sample.masked_token_ids)] = sample.masked_token_ids
        self._check_vocabulary(masked)
        positions = torch.cat([row * length + sample.mask_positions for row, sample in enumerate(samples)])
        targets = token_ids.flatten()[positions]
        return MaskedText(self._to_device(masked), self._to_device(positions), self._to_device(targets))

    def _to_device(self, tensor: Tensor) -> Tensor:
        if self.device.type == 'cpu':
            return tensor
        if self._non_blocking and not tensor.is_pinned() and tensor.device.type == 'cpu':
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=self._non_blocking)
