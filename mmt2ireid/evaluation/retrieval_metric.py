"""Text-to-image and image-to-text retrieval over a split, as an MMEngine metric."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.device import get_device
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmt2ireid.evaluation.feature_file import save_features
from mmt2ireid.evaluation.retrieval import check_ties, retrieval_metrics
from mmt2ireid.registry import METRICS

_DIRECTIONS = ('t2i', 'i2t')


@METRICS.register_module()
class RetrievalMetric(BaseMetric):
    """R1, R5, R10, mAP and mINP of a split, by :func:`~mmt2ireid.evaluation.retrieval_metrics`.

    One result is kept per image, its captions inside, so that MMEngine's trimming to the length of the dataset drops
    exactly what a sampler padded. Results are put in the order of ``image_id`` before they are ranked; the numbers
    do not depend on the number of ranks.

    Args:
        directions: any of 't2i' (queries are all captions, the gallery is every image once) and 'i2t' (queries are
            the images, the gallery is all captions). Images without captions are in the gallery of t2i, and no queries.
        topk: which R{k} to report.
        ties: 'gallery_order': of equal scores the earlier image or caption ranks higher; 'expected': the exact
            expectation over all orders of equal scores. Queries whose metrics such an order decides are counted and
            logged in both cases.
        out_file: where to write the features, with identities, paths and captions
            (:func:`~mmt2ireid.evaluation.save_features`); None writes none.
        device: where to rank: 'auto' is a CUDA device if there is one, else the CPU.
        max_bytes: memory for ranking beyond the features.
        collect_device: 'cpu' or 'gpu', how results travel between ranks.
        prefix: put before the names of the numbers, as in 'val/t2i/R1'.

    Attributes:
        tied_shares: by direction, the share of queries with a right and a wrong answer of equal scores in the last
            evaluation, from 0 to 1.

    Raises:
        ValueError: unknown or no directions, an unknown rule for ties, ``topk`` below 1; in use: samples without
            features, features that do not fit the captions, unknown identities, an image that comes twice.
    """

    default_prefix = ''

    def __init__(
        self,
        *,
        directions: Sequence[str] = ('t2i',),
        topk: Sequence[int] = (1, 5, 10),
        ties: str = 'gallery_order',
        out_file: str | None = None,
        device: str = 'auto',
        max_bytes: int = 2**30,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        directions = (directions,) if isinstance(directions, str) else tuple(directions)
        if not directions or not set(directions) <= set(_DIRECTIONS):
            raise ValueError(f'directions must be some of {_DIRECTIONS}, but got {directions}')
        if not topk or any(k < 1 for k in topk):
            raise ValueError(f'topk must be positive integers, but got {tuple(topk)}')
        check_ties(ties)
        self.directions = directions
        self.ties = ties
        self.tied_shares: dict[str, float] = {}
        self.topk = tuple(topk)
        self.out_file = out_file
        self.device = device
        self.max_bytes = max_bytes

    def process(self, data_batch: Any, data_samples: Sequence[Any]) -> None:
        """Keeps the features of a batch.

        Args:
            data_batch: not used.
            data_samples: one PersonSample (or its ``to_dict()``) per image with ``img_feat`` (D,), ``txt_feats``
                (number of captions, D), ``pid``, ``image_id``, ``img_path`` and ``captions``.
        """
        if not data_samples:
            return
        for sample in data_samples:
            _check_sample(sample)
        # One transfer per batch and modality: copies of single rows would each wait for the device.
        img_feats = torch.stack([sample.get('img_feat') for sample in data_samples]).detach().float().cpu().numpy()
        txt_feats = torch.cat([sample.get('txt_feats') for sample in data_samples]).detach().float().cpu().numpy()
        ends = np.cumsum([len(sample.get('txt_feats')) for sample in data_samples])
        # Arrays, not tensors: a pickled slice of a tensor takes the storage of the whole batch with it.
        for sample, img_feat, texts in zip(data_samples, img_feats, np.split(txt_feats, ends[:-1]), strict=True):
            self.results.append(
                {
                    'pid': int(sample.get('pid')),
                    'image_id': int(sample.get('image_id')),
                    'img_path': str(sample.get('img_path', '')),
                    'img_feat': img_feat,
                    'txt_feats': texts,
                    'captions': list(sample.get('captions', ())) if self.out_file else None,
                }
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Ranks what all ranks collected.

        Args:
            results: one dict per image.

        Returns:
            ``{'t2i/R1': ..., 't2i/R5': ..., 't2i/R10': ..., 't2i/mAP': ..., 't2i/mINP': ..., 'i2t/R1': ...}``.
        """
        results = _in_order(results)
        img_feats = torch.from_numpy(np.stack([result['img_feat'] for result in results]))
        txt_feats = torch.from_numpy(np.concatenate([result['txt_feats'] for result in results]))
        pids = torch.tensor([result['pid'] for result in results])
        num_captions = torch.tensor([len(result['txt_feats']) for result in results])
        if not num_captions.any():
            raise ValueError(f'the {len(results)} images to evaluate must have captions, but none has')
        txt_image = torch.arange(len(results)).repeat_interleave(num_captions)
        if self.out_file:
            save_features(
                self.out_file,
                img_feats=img_feats,
                txt_feats=txt_feats,
                pids=pids,
                image_ids=torch.tensor([result['image_id'] for result in results]),
                txt_image=txt_image,
                img_paths=[result['img_path'] for result in results],
                captions=[caption for result in results for caption in result['captions']],
            )
            print_log(f'Features of {len(results)} images and {len(txt_feats)} captions: {self.out_file}', 'current')
        texts, images = (txt_feats, pids[txt_image]), (img_feats, pids)
        described = num_captions > 0  # other images are in the gallery, but no queries
        asking, answering = {'t': texts, 'i': (img_feats[described], pids[described])}, {'t': texts, 'i': images}
        metrics = {}
        for direction in self.directions:
            (queries, query_pids), (gallery, gallery_pids) = asking[direction[0]], answering[direction[-1]]
            found = retrieval_metrics(
                queries,
                gallery,
                query_pids,
                gallery_pids,
                self.topk,
                device=ranking_device() if self.device == 'auto' else self.device,
                max_bytes=self.max_bytes,
                ties=self.ties,
                count_ties=True,
            )
            self._note_ties(direction, found.pop('num_queries_tied'), len(queries))
            metrics.update({f'{direction}/{name}': value for name, value in found.items()})
        return metrics

    def _note_ties(self, direction: str, num_tied: float, num_queries: int) -> None:
        self.tied_shares[direction] = num_tied / num_queries
        if num_tied:
            how = 'the order of the gallery decides' if self.ties == 'gallery_order' else 'the expected value is given'
            print_log(
                f'{direction}: {num_tied:.0f} of {num_queries} queries have a right and a wrong answer with exactly '
                f'equal scores: {how} (ties={self.ties!r})',
                logger='current',
                level=logging.WARNING,
            )


def ranking_device() -> str:
    """Device where ranks are computed: a CUDA device if runs compute on one, else the CPU.

    Ranking needs float64, which Apple's MPS has not. On one device, metrics, curves and strips come out the same.
    """
    return 'cuda' if get_device() == 'cuda' else 'cpu'


def _check_sample(sample: Any) -> None:
    where = f'image {sample.get("image_id")} ({sample.get("img_path", "no path")})'
    missing = [name for name in ('img_feat', 'txt_feats', 'pid', 'image_id') if sample.get(name) is None]
    if missing:
        raise ValueError(f'{where}: a sample to evaluate must have {", ".join(missing)}')
    if int(sample.get('pid')) < 0:
        raise ValueError(f'{where}: pid must be known (0 or more) in evaluation, but got {sample.get("pid")}')
    img_feat, txt_feats, captions = sample.get('img_feat'), sample.get('txt_feats'), sample.get('captions')
    if img_feat.ndim != 1 or txt_feats.shape[1:] != img_feat.shape:
        raise ValueError(
            f'{where}: img_feat and txt_feats must be (D,) and (captions, D), '
            f'but got {tuple(img_feat.shape)} and {tuple(txt_feats.shape)}'
        )
    if captions is not None and len(captions) != len(txt_feats):
        raise ValueError(
            f'{where}: txt_feats must have a row for each of the {len(captions)} captions, but got {len(txt_feats)}'
        )


def _in_order(results: list[dict]) -> list[dict]:
    """Sorts by image. An image that comes twice stands where, after the trimming, another is missing."""
    keys = [(result['image_id'], result['img_path']) for result in results]
    if len(set(keys)) < len(keys):
        twice = Counter(keys).most_common(1)[0][0]
        raise ValueError(
            f'every image must be evaluated once, but {len(keys) - len(set(keys))} of {len(keys)} came twice, '
            f'such as image {twice[0]} ({twice[1]}): the sampler must deal out images in turns, as DefaultSampler does'
        )
    return [result for _, result in sorted(zip(keys, results, strict=True), key=lambda pair: pair[0])]
