"""The one model of the house: an image encoder, a text encoder, a neck each, and heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor

from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.image_encoders import backbone_tokens, build_image_encoder
from mmt2ireid.models.layers import PhraseBank, take_clip_scale
from mmt2ireid.models.weights import adapt_positions, image_size_of
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import EncoderOutput, PairFeatures, PairInputs, PairTargets, PersonSample

TEST_FEATURES = ('both', 'global')


@MODELS.register_module()
class DualEncoder(BaseModel):
    """Image and text encoders that share nothing, necks to a common width, and the heads that make a method.

    Args:
        image_encoder: any backbone that returns tokens or a feature map (see :func:`backbone_tokens`).
        text_encoder: maps token ids (M, L) and mask (M, L) to an :class:`EncoderOutput`.
        img_neck: maps an :class:`EncoderOutput` to projected tokens and an embedding.
        txt_neck: likewise for text.
        heads: name to config. A dict, so that an inheriting config can change one of them; None takes one away.
        test_features: what retrieval compares. 'global': the pooled embeddings; the name of a head with features of its
            own (``pgu``): those; 'both': all of them, their cosine similarities added.
        read_masked_text: in training all heads read the captions as ``MaskTokens`` masked them, encoded once, as in the
            released code of IRRA. Validation, test and searches read whole captions in any case.
        data_preprocessor: ``PairDataPreprocessor`` by default.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: if ``test_features`` names no features of this model, or ``heads`` is no dict of configs.
    """

    def __init__(
        self,
        *,
        image_encoder: dict,
        text_encoder: dict,
        img_neck: dict,
        txt_neck: dict,
        heads: Mapping[str, dict | None] | None = None,
        test_features: str = 'both',
        read_masked_text: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        super().__init__(data_preprocessor or dict(type='mmt2ireid.PairDataPreprocessor'), init_cfg)
        _check_heads(heads)
        self.image_encoder = build_image_encoder(image_encoder)
        self.text_encoder = MODELS.build(text_encoder)
        self.img_neck = MODELS.build(img_neck)
        self.txt_neck = MODELS.build(txt_neck)
        self.heads = ModuleDict({name: MODELS.build(head) for name, head in (heads or {}).items() if head is not None})
        self.phrase_bank = PhraseBank() if any(head.needs_phrases for head in self.heads.values()) else None
        with_features = [name for name, head in self.heads.items() if type(head).embed is not BaseHead.embed]
        allowed = (*TEST_FEATURES, *with_features)
        if test_features not in allowed:
            raise ValueError(f'test_features must be one of {allowed}, but got {test_features!r}')
        self.test_features, self.read_masked_text = test_features, read_masked_text
        self._retrieval_heads = {'both': with_features, 'global': []}.get(test_features, [test_features])
        for limit in ('vocab_size', 'max_length'):
            if hasattr(self.data_preprocessor, limit):
                setattr(self.data_preprocessor, limit, getattr(self.text_encoder, limit, None))
        if hasattr(self.data_preprocessor, 'needed_views'):
            self.data_preprocessor.needed_views = {n for head in self.heads.values() for n in head.needs_views}

    def init_weights(self) -> None:
        """Initializes all parts; learned scales start from the one that the loaded CLIP weights carry."""
        super().init_weights()
        take_clip_scale(self.heads, self.image_encoder, self.text_encoder)

    def forward(
        self, inputs: PairInputs, data_samples: list[PersonSample] | None = None, mode: str = 'tensor'
    ) -> PairFeatures | dict[str, Tensor] | list[PersonSample]:
        """Runs the model on a batch of the data preprocessor.

        Args:
            inputs: the batch.
            data_samples: its samples; needed by 'predict', which adds features to them.
            mode: 'tensor' for features, 'loss' for the heads' losses, 'predict' for samples with features.

        Returns:
            :class:`PairFeatures`, losses by name, or samples.

        Raises:
            ValueError: if ``mode`` is none of these.
        """
        if mode == 'tensor':
            return self.extract(inputs)
        if mode == 'loss':
            return self.loss(inputs)
        if mode == 'predict':
            return self.predict(inputs, data_samples or [])
        raise ValueError(f"mode must be 'tensor', 'loss' or 'predict', but got {mode!r}")

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(height, width) of the images that the image encoder is made for; None where it takes any."""
        return image_size_of(self.image_encoder)

    def adapt_state(self, state: dict[str, Any], meta: Any, label: str, prefix: str = '') -> list[str]:
        """Brings a whole checkpoint to the size of this model's images, before it is loaded.

        Args:
            state: the checkpoint's weights by name; changed in place.
            meta: what the checkpoint holds as ``meta``; its own config says what size it was trained with.
            label: what to call it.
            prefix: of the names of this model in ``state``. Default: none.

        Returns:
            What was changed, one line each.

        Raises:
            ValueError: it has another number of positions, and nothing says of which grid.
        """
        return adapt_positions(self.image_encoder, state, meta, label, f'{prefix}image_encoder.')

    def extract(self, inputs: PairInputs) -> PairFeatures:
        """Features of both modalities after the necks."""
        return _join(self.image_features(inputs.images), self.text_features(inputs.token_ids, inputs.txt_mask))

    def image_features(self, images: Tensor) -> tuple[EncoderOutput, Tensor]:
        """Projected tokens (B, N, D) and embeddings (B, D) of normalised images (B, 3, H, W)."""
        tokens = backbone_tokens(self.image_encoder, images)
        _check_width('img_neck', self.img_neck, tokens)
        return self.img_neck(tokens)

    def text_features(self, token_ids: Tensor, mask: Tensor) -> tuple[EncoderOutput, Tensor]:
        """Projected tokens (M, L, D) and embeddings (M, D) of token ids (M, L) with mask bool (M, L)."""
        return self._project_texts(self.text_encoder(token_ids, mask))

    def _project_texts(self, encoded: EncoderOutput) -> tuple[EncoderOutput, Tensor]:
        _check_width('txt_neck', self.txt_neck, encoded)
        return self.txt_neck(encoded)

    def loss(self, inputs: PairInputs) -> dict[str, Tensor]:
        """Union of the heads' losses.

        Raises:
            ValueError: if an image has not exactly one caption, the model has no heads, two heads give a loss of the
                same name, or captions should be masked and are not.
        """
        if len(inputs.token_ids) != len(inputs.images):
            raise ValueError(
                f"Training needs one caption per image (unit='pair' in the dataset), but got "
                f'{len(inputs.token_ids)} captions of {len(inputs.images)} images'
            )
        if not self.heads:
            raise ValueError('heads must hold at least one head for training, but got none')
        images = self.image_features(inputs.images)
        encoded = self._encode_captions(inputs)
        features = replace(
            _join(images, self._project_texts(encoded)),
            masked_tokens=self.masked_tokens(inputs, encoded if self.read_masked_text else None),
            view_embeds=self.view_embeds(inputs),
        )
        targets = inputs.targets
        if self.phrase_bank is not None and targets.phrases is None:
            targets = replace(targets, phrases=self.phrase_bank.rows(targets.sample_idx))
        return self.head_losses(features, targets)

    def _encode_captions(self, inputs: PairInputs) -> EncoderOutput:
        """The text encoder's output on the captions that heads read in training."""
        if not self.read_masked_text:
            return self.text_encoder(inputs.token_ids, inputs.txt_mask)
        if inputs.targets.masked is None:
            raise ValueError(
                'read_masked_text needs masked captions: the training pipeline must have MaskTokens after Tokenize'
            )
        return self.text_encoder(inputs.targets.masked.token_ids, inputs.txt_mask)

    def masked_tokens(self, inputs: PairInputs, encoded: EncoderOutput | None = None) -> Tensor | None:
        """The text encoder's tokens (B, L, D_t) of the masked captions, if the batch has them and a head needs them.

        Args:
            inputs: the batch.
            encoded: the text encoder's output on the masked captions, where they are encoded already.
        """
        masked = inputs.targets.masked
        if masked is None or not any(head.needs_masked_text for head in self.heads.values()):
            return None
        encoded = encoded or self.text_encoder(masked.token_ids, inputs.txt_mask)
        # An encoder may put tokens that stand for no place before the L that do.
        return encoded.tokens[:, -masked.token_ids.shape[1] :]

    def view_embeds(self, inputs: PairInputs) -> dict[int, Tensor]:
        """Embeddings (B, D) of the views that heads ask for, by their numbers.

        Raises:
            ValueError: the batch has no such view.
        """
        wanted = sorted({number for head in self.heads.values() if head.enabled for number in head.needs_views})
        missing = [number for number in wanted if number not in inputs.views]
        if missing:
            raise ValueError(f'The heads need views {missing}, which the pipeline must give (ExtraViews), but does not')
        # One after the other, not as one batch: statistics of norms are then those of a picture's own kind.
        return {number: self.image_features(inputs.views[number])[1] for number in wanted}

    def head_losses(self, features: PairFeatures, targets: PairTargets) -> dict[str, Tensor]:
        """Union of the losses of the heads that are enabled, on given features."""
        losses: dict[str, Tensor] = {}
        for name, head in self.heads.items():
            if not head.enabled:
                continue
            for key, value in head.loss(features, targets).items():
                if key in losses:
                    raise ValueError(f'Losses must have names of their own, but head {name!r} gives {key!r} again')
                losses[key] = value
        return losses

    def predict(self, inputs: PairInputs, data_samples: list[PersonSample]) -> list[PersonSample]:
        """Adds ``img_feat`` (D_test,) and ``txt_feats`` (captions of the image, D_test) to the samples."""
        images = self.encode_image(inputs.images)
        # Gallery images may have no captions, and a batch may have none at all.
        has_text = len(inputs.token_ids) > 0
        features = self.encode_text(inputs.token_ids, inputs.txt_mask) if has_text else images[:0]
        texts = features.split(inputs.num_captions)
        for sample, image, captions in zip(data_samples, images, texts, strict=True):
            sample.img_feat, sample.txt_feats = image, captions
        return data_samples

    def encode_image(self, images: Tensor) -> Tensor:
        """Retrieval features (B, D_test), of unit length, of normalised images (B, 3, H, W)."""
        return self._retrieval_features(*self.image_features(images))

    def encode_text(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Retrieval features (M, D_test), of unit length, of token ids (M, L) with mask bool (M, L)."""
        return self._retrieval_features(*self.text_features(token_ids, mask))

    def _retrieval_features(self, output: EncoderOutput, embed: Tensor) -> Tensor:
        features = [embed] if self.test_features in TEST_FEATURES else []
        features += [self.heads[name].embed(output.tokens, output.mask) for name in self._retrieval_heads]
        # Each of unit length, and so is the whole: inner products are the mean of the cosine similarities, which ranks
        # as their sum does.
        joint = torch.cat([F.normalize(feature.float(), dim=-1) for feature in features], dim=-1)
        return joint / len(features) ** 0.5


def _join(images: tuple[EncoderOutput, Tensor], texts: tuple[EncoderOutput, Tensor]) -> PairFeatures:
    """What the necks give for both modalities."""
    (img, img_embed), (txt, txt_embed) = images, texts
    mask = txt.mask if txt.mask is not None else torch.ones_like(txt.tokens[..., 0], dtype=torch.bool)
    return PairFeatures(img.tokens, txt.tokens, mask, img_embed, txt_embed)


def _check_heads(heads: object) -> None:
    if heads is None:
        return
    if not isinstance(heads, Mapping):
        raise ValueError(f'heads must be a dict of names and configs, but got {heads!r}')
    for name, head in heads.items():
        if head is not None and (not isinstance(head, Mapping) or 'type' not in head):
            raise ValueError(
                f"heads[{name!r}] must be None or a config such as dict(type='RankingHead'), but got {head!r}"
            )


def _check_width(name: str, neck: torch.nn.Module, output: EncoderOutput) -> None:
    """Compare what a neck takes with what its encoder gives; a matrix product would say less."""
    width, wanted = output.tokens.shape[-1], getattr(neck, 'in_channels', None)
    if wanted is not None and wanted != width:
        raise ValueError(f'{name}.in_channels must be {width}, the width of the encoder before it, but got {wanted}')
