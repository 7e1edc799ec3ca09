"""What clustering made of a training set, and which of its clusters a picture shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass

import numpy as np

from mmt2ireid.visualization.cluster_sheet import ClusterCard, ClusterMember
from mmt2ireid.visualization.crops import Picture

MODALITIES = ('img', 'txt')
CHOICES = ('changed', 'largest', 'random')


@dataclass(frozen=True)
class ClusteredPairs:
    """I images and T captions with their pseudo labels; un-clustered is -1.

    Attributes:
        img_feats: float32 (I, D).
        txt_feats: float32 (T, D).
        image_of: int64 (T,), the image that a caption describes; an image may have any number, also none.
        pids: int64 (I,), identities, -1 where unknown.
        captions: T captions.
        before: labels of images (I,) and of captions (T,) before the mutual refinement (MPLR).
        after: and thereafter; a cluster never loses a member by it.
    """

    img_feats: np.ndarray
    txt_feats: np.ndarray
    image_of: np.ndarray
    pids: np.ndarray
    captions: Sequence[str]
    before: tuple[np.ndarray, np.ndarray]
    after: tuple[np.ndarray, np.ndarray]

    def __post_init__(self) -> None:
        images, captions = len(self.img_feats), len(self.txt_feats)
        lengths: dict[str, tuple[Sized, int]] = dict(
            pids=(self.pids, images), image_of=(self.image_of, captions), captions=(self.captions, captions)
        )
        for when in ('before', 'after'):
            for name, labels, count in zip(MODALITIES, getattr(self, when), (images, captions), strict=True):
                lengths[f'{when} of {name}'] = labels, count
        for name, (rows, count) in lengths.items():
            if len(rows) != count:
                raise ValueError(f'{name} must have {count} entries, but got {len(rows)}')

    def labels(self, modality: str) -> tuple[np.ndarray, np.ndarray]:
        """Labels of a modality before and after the refinement."""
        at = MODALITIES.index(modality)
        return self.before[at], self.after[at]

    def persons(self, modality: str) -> np.ndarray:
        """Identities of the images (I,) or of the captions (T,), -1 where unknown."""
        return self.pids if modality == 'img' else self.pids[self.image_of]


def choose_clusters(
    before: np.ndarray, after: np.ndarray, number: int, how: str = 'changed', *, seed: int = 0
) -> list[int]:
    """Chooses clusters to show.

    Args:
        before: labels before the refinement.
        after: labels thereafter.
        number: how many at most.
        how: 'changed' draws from the clusters that gained members, and, where these are too few, from the others;
            'largest' takes those that gained most; 'random' draws from all.
        seed: of the draw.

    Returns:
        Labels as they are after the refinement; none where there is no cluster.

    Raises:
        ValueError: an unknown way to choose.
    """
    if how not in CHOICES:
        raise ValueError(f'how must be one of {CHOICES}, but got {how!r}')
    gains = np.bincount(after[(before < 0) & (after >= 0)], minlength=after.max(initial=-1) + 1)
    order = np.random.default_rng(seed).permutation(len(gains))
    keys = {'changed': gains[order] == 0, 'largest': -gains[order], 'random': np.zeros(len(gains))}
    return order[np.argsort(keys[how], kind='stable')][:number].tolist()


def make_card(
    pairs: ClusteredPairs,
    modality: str,
    label: int,
    load_image: Callable[[int], Picture | None],
    *,
    max_members: int = 5,
) -> ClusterCard:
    """Collects what the sheet shows of a cluster.

    Where it has more members than are shown, half of the places at least go to those it had before, if it had so many.

    Args:
        pairs: the training set.
        modality: 'img' or 'txt', whose cluster it is.
        label: its number after the refinement.
        load_image: the picture of an image, by its number; None where there is none.
        max_members: most members shown.

    Returns:
        The card.

    Raises:
        ValueError: there is no such cluster.
    """
    before, after = pairs.labels(modality)
    members = np.flatnonzero(after == label)
    if label < 0 or not len(members):
        raise ValueError(f'clusters of {modality} must be from 0 to {after.max(initial=-1)}, but got {label}')
    old, new = members[before[members] >= 0], members[before[members] < 0]
    room = max(max_members - len(new), min(len(old), -(-max_members // 2)))
    shown = np.concatenate([old[:room], new[: max_members - min(room, len(old))]])
    persons = pairs.persons(modality)
    names, counts = np.unique(persons[members][persons[members] >= 0], return_counts=True)
    # With a member of each person, none is the right one.
    most = names[counts.argmax()] if len(counts) and (counts.max() > 1 or len(members) == 1) else -1
    return ClusterCard(
        modality=modality,
        number=label,
        num_before=len(old),
        num_after=len(members),
        most_of_one=int(counts.max()) if len(counts) else None,
        members=[
            ClusterMember(
                caption=_caption(pairs, modality, int(member)),
                image=load_image(int(member) if modality == 'img' else int(pairs.image_of[member])),
                added=bool(before[member] < 0),
                right=bool(persons[member] == most) if persons[member] >= 0 else None,
            )
            for member in shown
        ],
    )


def _caption(pairs: ClusteredPairs, modality: str, member: int) -> str:
    """A caption's own words; of an image the first caption that is in a cluster, else the first, '' without any."""
    if modality == 'txt':
        return pairs.captions[member]
    own = np.flatnonzero(pairs.image_of == member)
    clustered = own[pairs.before[1][own] >= 0]
    return pairs.captions[(clustered if len(clustered) else own)[0]] if len(own) else ''
