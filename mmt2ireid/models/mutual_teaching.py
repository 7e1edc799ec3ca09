"""Two dual encoders that teach each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel, ModuleDict, ModuleList
from torch import Tensor, nn

from mmt2ireid.models.dual_encoder import DualEncoder
from mmt2ireid.models.heads.base_head import BaseHead
from mmt2ireid.models.heads.mutual_teaching_head import NETWORKS, MutualTeachingHead
from mmt2ireid.models.layers import PhraseBank, take_clip_scale
from mmt2ireid.models.layers.mean_teacher import average_into, teacher_of
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairFeatures, PairInputs, PersonSample

_PARTS = ('image_encoder', 'text_encoder', 'img_neck', 'txt_neck')


@MODELS.register_module()
class MutualTeaching(BaseModel):
    """Two networks, each taught by the other's moving average: MMT (Ge et al., ICLR 2020) on dual encoders.

    The row "CMPM + MMT" of CMMT (ICCV 2021), Table 1. What differs from the authors' MMT:

    - Teachers are always in evaluation mode, with running statistics that are averaged like the weights; the authors
      keep them in training mode, with statistics of the batch.
    - The authors start from two pre-trainings. Here what has random weights is drawn twice, and weights from files are
      the same for both networks, which then differ by dropout and by what they see: the second one and its teacher see
      the pictures of a batch mirrored, in place of the authors' second augmentation.
    - The authors test both teachers and keep the better one; here the first teacher is tested, always.

    A checkpoint of a plain dual encoder goes into both networks and both teachers. The weights of the teachers are
    buffers: no optimiser sees them. Whoever trains calls :meth:`update_teachers` after every step.

    Args:
        image_encoder, text_encoder, img_neck, txt_neck: of each network, as in :class:`DualEncoder`.
        heads: name to config; None takes one away. A :class:`MutualTeachingHead`, and others without another pass
            through an encoder or features of their own, which see each network in turn; their losses are added.
        max_decay: of the teachers' averages, which start as plain means.
        mirror: show mirrored pictures to the second network.
        data_preprocessor: as in :class:`DualEncoder`.
        init_cfg: MMEngine's initialisation config.

    Raises:
        ValueError: an argument does not fit.
    """

    def __init__(
        self,
        *,
        image_encoder: dict,
        text_encoder: dict,
        img_neck: dict,
        txt_neck: dict,
        heads: Mapping[str, dict | None],
        max_decay: float = 0.999,
        mirror: bool = True,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        parts: dict[str, Any] = dict(
            image_encoder=image_encoder, text_encoder=text_encoder, img_neck=img_neck, txt_neck=txt_neck
        )
        networks = [DualEncoder(**parts, data_preprocessor=data_preprocessor) for _ in range(NETWORKS)]
        super().__init__(networks[0].data_preprocessor, init_cfg)
        if not 0 <= max_decay < 1:
            raise ValueError(f'max_decay must be from 0 to below 1, but got {max_decay}')
        self.max_decay, self.mirror = max_decay, mirror
        self.networks = ModuleList(networks)
        # Not MMEngine's list: that would draw their weights anew.
        self.teachers = nn.ModuleList(teacher_of(network) for network in networks)
        self.heads = ModuleDict({name: MODELS.build(head) for name, head in heads.items() if head is not None})
        wrong = [
            name
            for name, head in self.heads.items()
            if head.needs_masked_text or head.needs_views or type(head).embed is not BaseHead.embed
        ]
        if wrong:
            raise ValueError(
                f'heads must need no masked captions and no views and have no features of their own, but got {wrong}'
            )
        self.phrase_bank = PhraseBank() if any(head.needs_phrases for head in self.heads.values()) else None
        self._register_load_state_dict_pre_hook(_spread)

    def init_weights(self) -> None:
        """Initializes the networks; the teachers begin as copies, learned scales as in :class:`DualEncoder`."""
        super().init_weights()
        network = self.networks[0]
        take_clip_scale(self.heads, network.image_encoder, network.text_encoder)
        for teacher, network in zip(self.teachers, self.networks, strict=True):
            average_into(teacher, network, 0.0)

    def train(self, mode: bool = True) -> MutualTeaching:
        """Sets the mode of the networks and heads; the teachers stay in evaluation mode."""
        super().train(mode)
        self.teachers.eval()
        return self

    @property
    def image_size(self) -> tuple[int, int] | None:
        """As :attr:`DualEncoder.image_size`, the same for all networks."""
        return self._teachers[0].image_size

    def adapt_state(self, state: dict[str, Any], meta: Any, label: str) -> list[str]:
        """Does what :meth:`DualEncoder.adapt_state` does, for a plain dual encoder or for all networks."""
        prefixes = [f'{part}.{number}.' for part in ('networks', 'teachers') for number in range(NETWORKS)]
        return [
            line for prefix in ('', *prefixes) for line in self._teachers[0].adapt_state(state, meta, label, prefix)
        ]

    @property
    def _teachers(self) -> list[DualEncoder]:
        return cast('list[DualEncoder]', list(self.teachers))

    @property
    def text_encoder(self) -> nn.Module:
        """The first network's, for those who ask what it can read."""
        return self.networks[0].text_encoder

    def forward(
        self, inputs: PairInputs, data_samples: list[PersonSample] | None = None, mode: str = 'tensor'
    ) -> PairFeatures | dict[str, Tensor] | list[PersonSample]:
        """Runs the model on a batch of the data preprocessor.

        Args:
            inputs: the batch.
            data_samples: its samples; needed by 'predict', which adds features to them.
            mode: 'tensor' for features and 'predict' for samples with features, both of the first teacher; 'loss' for
                the heads' losses.

        Returns:
            :class:`PairFeatures`, losses by name, or samples.

        Raises:
            ValueError: if ``mode`` is none of these.
        """
        if mode == 'loss':
            return self.loss(inputs)
        return self._teachers[0](inputs, data_samples, mode)

    def encode_image(self, images: Tensor) -> Tensor:
        """Retrieval features (B, D), of unit length, of normalised images (B, 3, H, W), by the first teacher."""
        return self._teachers[0].encode_image(images)

    def encode_text(self, token_ids: Tensor, mask: Tensor) -> Tensor:
        """Retrieval features (M, D), of unit length, of token ids (M, L), mask bool (M, L), by the first teacher."""
        return self._teachers[0].encode_text(token_ids, mask)

    @torch.no_grad()
    def teacher_embeddings(self, inputs: PairInputs) -> tuple[Tensor, Tensor]:
        """Means of both teachers' embeddings, each of unit length before and after: (B, D) and (M, D). MMT clusters
        these."""
        first, second = (teacher.extract(inputs) for teacher in self._teachers)
        img, txt = (first.img_embed, second.img_embed), (first.txt_embed, second.txt_embed)
        return _joint(*img), _joint(*txt)

    def loss(self, inputs: PairInputs) -> dict[str, Tensor]:
        """Losses of the heads, added over both networks.

        Raises:
            ValueError: if an image has not exactly one caption, the model has no heads, or two heads give a loss of
                the same name.
        """
        if len(inputs.token_ids) != len(inputs.images):
            raise ValueError(
                f"Training needs one caption per image (unit='pair' in the dataset), but got "
                f'{len(inputs.token_ids)} captions of {len(inputs.images)} images'
            )
        if not self.heads:
            raise ValueError('heads must hold at least one head for training, but got none')
        targets = inputs.targets
        if self.phrase_bank is not None and targets.phrases is None:
            targets = replace(targets, phrases=self.phrase_bank.rows(targets.sample_idx))
        views = [inputs, replace(inputs, images=inputs.images.flip(-1)) if self.mirror else inputs]
        features = [network.extract(view) for network, view in zip(self.networks, views, strict=True)]
        with torch.no_grad():
            guides = [teacher.extract(view) for teacher, view in zip(self._teachers, views, strict=True)]
        losses: dict[str, Tensor] = {}
        for name, head in self.heads.items():
            if not head.enabled:
                continue
            mutual = isinstance(head, MutualTeachingHead)
            for number, own in enumerate(features):
                extra: dict[str, Any] = dict(network=number, teacher=guides[1 - number]) if mutual else {}
                found = head.loss(own, targets, **extra)
                if number == 0 and losses.keys() & found.keys():
                    raise ValueError(
                        f'Losses must have names of their own, but head {name!r} gives {sorted(found)} again'
                    )
                losses.update({key: losses[key] + value if number else value for key, value in found.items()})
        return losses

    def update_teachers(self, step: int) -> None:
        """``teacher <- d teacher + (1 - d) network`` with d = min(1 - 1 / (step + 1), max_decay); classifiers too.

        Args:
            step: steps of the optimiser before this one: after the first, with 0, the teachers are the networks.
        """
        decay = min(1 - 1 / (step + 1), self.max_decay)
        for teacher, network in zip(self.teachers, self.networks, strict=True):
            average_into(teacher, network, decay)
        for head in self.heads.values():
            if isinstance(head, MutualTeachingHead):
                head.average(decay)


def _joint(first: Tensor, second: Tensor) -> Tensor:
    return F.normalize(F.normalize(first, dim=1) + F.normalize(second, dim=1), dim=1)


def _spread(state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Makes a checkpoint of a plain dual encoder one of two networks and two teachers; before loading, in place."""
    if any(key.startswith(f'{prefix}networks.') for key in state):
        return
    for key in [key for key in state if key.startswith(tuple(f'{prefix}{part}.' for part in _PARTS))]:
        value = state.pop(key)
        for place in (f'{which}.{number}' for which in ('networks', 'teachers') for number in range(NETWORKS)):
            state[f'{prefix}{place}.{key[len(prefix) :]}'] = value
