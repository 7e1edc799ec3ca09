"""What a caption file holds, counted: the figures of Table 1 and Figure 3 of UniPT (Shao et al., ICCV 2023)."""

from __future__ import annotations

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mmt2ireid.pseudo_text.defects import defect_kind, find_defects

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
PAPER_TOP_FOUR = ('bag', 'cellphone', 'glasses', 'hat')
_STOP_WORDS = """
a about along also an and are as at be been being both but by can for from had has have he her hers herself him himself
his i in into is it its of off on or our over she so some that the their them there these they this those to too under
up was we were what which while who whose with without you
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
_WORD = re.compile(r"\w+(?:[-'\u2019]\w+)*")
_NUM_EXAMPLES = 5


def split_words(caption: str) -> list[str]:
    """Words in lower case; what hyphens and apostrophes join is one word, punctuation is none.

    Args:
        caption: any text.

    Examples:
        >>> split_words("A middle-aged man's T-shirt, blue.")
        ['a', 'middle-aged', "man's", 't-shirt', 'blue']
    """
    return _WORD.findall(caption.lower())


class DistinctCounter:
    """Counts distinct texts by 8-byte hashes: 8 bytes each, whatever their length.

    Of ten million texts, two fall together with a chance of 3 in a million.
    """

    def __init__(self) -> None:
        self._sorted = np.zeros(0, dtype=np.uint64)
        self._new = array('Q')

    def add(self, text: str) -> None:
        """Takes one text."""
        digest = hashlib.blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=8).digest()
        self._new.append(int.from_bytes(digest, 'little'))
        if len(self._new) >= max(2**16, len(self._sorted) // 2):  # in proportion, so that merging costs O(n log n)
            self._merge()

    def _merge(self) -> None:
        self._sorted = np.union1d(self._sorted, np.frombuffer(self._new, dtype=np.uint64))
        self._new = array('Q')

    def __len__(self) -> int:
        self._merge()
        return len(self._sorted)


class CaptionStatistics:
    """Counts captions one by one; what it keeps does not grow with their number, but for 8 bytes per distinct text.

    Args:
        optional: names of the optional attributes; those of images without them are not looked for.
        check: gives the defects of a caption, as :func:`~mmt2ireid.pseudo_text.defects.find_defects` does; None is
            that function.
    """

    def __init__(self, optional: Sequence[str] = (), *, check: Callable[[str], list[str]] | None = None) -> None:
        self.optional = tuple(optional)
        self.phrases: dict[str, Counter[str]] = {}
        self.lengths: Counter[int] = Counter()
        self.words: Counter[str] = Counter()
        self.defects: Counter[str] = Counter()
        self.defect_examples: dict[str, list[dict[str, str]]] = {}
        self._check = check or find_defects
        self._images, self._texts = DistinctCounter(), DistinctCounter()
        self._num_rows = self._num_bare = self._num_texts = self._num_defective = 0
        self._num_attributed = self._num_with_optional = 0

    def add(self, image_id: str, captions: Sequence[str], attributes: Mapping[str, str | None] | None = None) -> None:
        """Counts one image.

        Args:
            image_id: its path or key.
            captions: its texts.
            attributes: phrase per attribute, None for those not kept; empty or None if nothing is known.
        """
        self._num_rows += 1
        self._num_bare += not captions
        self._images.add(image_id)
        for caption in captions:
            self._add_caption(image_id, caption)
        if attributes:
            self._num_attributed += 1
            self._num_with_optional += any(attributes.get(name) is not None for name in self.optional)
            for name, phrase in attributes.items():
                counter = self.phrases.setdefault(name, Counter())
                if phrase is not None:
                    counter[phrase] += 1

    def _add_caption(self, image_id: str, caption: str) -> None:
        words = split_words(caption)
        self._num_texts += 1
        self._texts.add(caption)
        self.lengths[len(words)] += 1
        self.words.update(words)
        defects = self._check(caption)
        self._num_defective += bool(defects)
        for kind, defect in {defect_kind(defect): defect for defect in reversed(defects)}.items():
            self.defects[kind] += 1
            examples = self.defect_examples.setdefault(kind, [])
            if len(examples) < _NUM_EXAMPLES:
                examples.append(dict(image_id=image_id, caption=caption, defect=defect))

    def content_words(self) -> list[tuple[str, int]]:
        """Words that are no stop words and no numbers, with their counts, most frequent first."""
        found = [item for item in self.words.items() if item[0] not in STOP_WORDS and not item[0].isdigit()]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def summary(self, num_words: int = 40) -> dict[str, Any]:
        """All counts as plain numbers, texts and dicts, for JSON.

        Args:
            num_words: how many of the most frequent words to list.

        Returns:
            ``images`` (distinct), ``rows``, ``rows_without_caption``, ``texts``, ``distinct_texts``,
            ``texts_per_image``, ``length`` (in words: total, mean, min, max, percentiles, counts), ``vocabulary``
            (size, frequent), ``attributes`` (rows, phrases per attribute), ``optional`` (None without attributes) and
            ``defects`` (captions, share, kinds). What there is nothing to average of is None.
        """
        images = len(self._images)
        return dict(
            images=images,
            rows=self._num_rows,
            rows_without_caption=self._num_bare,
            texts=self._num_texts,
            distinct_texts=len(self._texts),
            texts_per_image=_ratio(self._num_texts, images),
            length=length_summary(self.lengths),
            vocabulary=dict(size=len(self.words), frequent=self.content_words()[:num_words]),
            attributes=dict(
                rows=self._num_attributed,
                phrases={name: dict(counter.most_common()) for name, counter in self.phrases.items()},
            ),
            optional=self._optional_summary(),
            defects=dict(
                captions=self._num_defective,
                share=_ratio(self._num_defective, self._num_texts),
                kinds={
                    kind: dict(captions=count, examples=self.defect_examples[kind])
                    for kind, count in self.defects.most_common()
                },
            ),
        )

    def _optional_summary(self) -> dict[str, Any] | None:
        if not self._num_attributed:
            return None
        counts = {name: self.phrases.get(name, Counter()).total() for name in self.optional}
        return optional_summary(counts, self._num_attributed) | dict(rows_with_any=self._num_with_optional)


def optional_summary(counts: Mapping[str, int], num_rows: int) -> dict[str, Any]:
    """How often each optional attribute was found (Figure 3, right, and section 3.2).

    Args:
        counts: images per optional attribute.
        num_rows: images looked at.

    Returns:
        ``total`` of all finds; per attribute its ``count``, ``share_of_images`` and ``share_of_optional``, most
        frequent first; ``top_four`` and ``paper_top_four``: names and common share of the optional finds.
    """
    total = sum(counts.values())
    order = sorted(counts, key=lambda name: -counts[name])
    return dict(
        total=total,
        attributes={
            name: dict(
                count=counts[name],
                share_of_images=_ratio(counts[name], num_rows),
                share_of_optional=_ratio(counts[name], total),
            )
            for name in order
        },
        top_four=_group(order[:4], counts, total),
        paper_top_four=_group([name for name in PAPER_TOP_FOUR if name in counts], counts, total),
    )


def _group(names: Sequence[str], counts: Mapping[str, int], total: int) -> dict[str, Any]:
    return dict(names=list(names), share_of_optional=_ratio(sum(counts[name] for name in names), total))


def length_summary(lengths: Mapping[int, int]) -> dict[str, Any]:
    """Mean, extremes and percentiles of caption lengths.

    Args:
        lengths: captions per length in words.

    Returns:
        ``total`` words, ``mean``, ``min``, ``max``, ``percentiles`` (the shortest length that so many per cent of the
        captions do not exceed) and ``counts``; None where there are no captions.
    """
    ordered = sorted(lengths)
    texts, words = sum(lengths.values()), sum(length * count for length, count in lengths.items())
    if not texts:
        return dict(total=0, mean=None, min=None, max=None, percentiles={}, counts={})
    reached = np.cumsum([lengths[length] for length in ordered])
    # The integers keep 100 x count exact; q % of the captions are at most this long.
    places = [int(np.searchsorted(reached * 100, q * texts)) for q in PERCENTILES]
    return dict(
        total=words,
        mean=words / texts,
        min=ordered[0],
        max=ordered[-1],
        percentiles={str(q): ordered[place] for q, place in zip(PERCENTILES, places, strict=True)},
        counts={str(length): lengths[length] for length in ordered},
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
