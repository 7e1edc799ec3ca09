"""What the doctor can find, each by its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING, NOTE = 'error', 'warning', 'note'
SEVERITIES = (ERROR, WARNING, NOTE)
"""``error``: training fails, or its figures are not those of the data set. ``warning``: looks wrong, but trains.
``note``: so are the official files; other programs trip over it."""

KINDS: dict[str, tuple[str, str]] = {
    'no-root': (ERROR, 'the folder of the data set is not there'),
    'no-annotation': (ERROR, 'the annotation file is not there'),
    'broken-annotation': (ERROR, 'the annotation file is no JSON list, or no Arrow file, as it should be'),
    'encoding': (ERROR, 'the annotation is not written in UTF-8'),
    'outside-paths': (ERROR, 'paths lead out of the image folder'),
    'caption-all': (ERROR, 'caption_all.json, which has no split, in place of reid_raw.json'),
    'no-split': (ERROR, 'no record says which split it belongs to'),
    'other-dataset': (ERROR, 'the annotation is that of another data set'),
    'path-key': (ERROR, 'the path of the image stands under the key of another release'),
    'id-type': (ERROR, 'identities are written as texts'),
    'path-separator': (ERROR, 'paths are written with backslashes'),
    'path-prefix': (ERROR, 'paths begin with the image folder'),
    'path-case': (ERROR, 'paths differ from the files in small and capital letters'),
    'bad-record': (ERROR, 'records that the loader refuses'),
    'withdrawn-split': (ERROR, 'the first split of RSTPReid, which its authors have replaced'),
    'folders-as-splits': (ERROR, "the split was taken from MSMT17's folders"),
    'unofficial-split': (ERROR, 'a split that the release does not have'),
    'counts': (ERROR, 'numbers of identities, images or captions are not the official ones'),
    'mixed-splits': (ERROR, 'identities stand in several splits'),
    'no-image-folder': (ERROR, 'the image folder is not there'),
    'missing-folders': (ERROR, 'some of the image folders are not there'),
    'missing-images': (ERROR, 'images are not there'),
    'other-extension': (ERROR, 'images are there under another extension'),
    'unreadable-images': (ERROR, 'images cannot be decoded'),
    'no-picture': (ERROR, 'rows of an Arrow file have neither a picture nor the name of one'),
    'loader': (ERROR, 'the loader refuses the data set'),
    'bare-caption': (WARNING, 'captions are given as a text instead of a list'),
    'captions-in-tokens': (WARNING, 'captions are left out that processed_tokens still hold'),
    'record-per-caption': (WARNING, 'a record holds one caption, not one image with all of its captions'),
    'empty-split': (WARNING, "data of one's own has no record of a split"),
    'captions-cut': (WARNING, 'images with more than two captions have lost them'),
    'id-base': (WARNING, 'identities do not begin at the number of the release'),
    'id-gaps': (WARNING, 'numbers of identities are left out'),
    'id-in-name': (WARNING, 'identity and file name disagree'),
    'images-per-id': (WARNING, 'identities have another number of images than the release'),
    'one-identity': (WARNING, 'a split has one identity only, and R1 on it is always 100 %'),
    'duplicate-images': (WARNING, 'several records name the same image'),
    'image-size': (WARNING, 'images are smaller or larger than any of the release'),
    'rough-count': (WARNING, 'the number of images is far from that of the release'),
    'missing-parts': (WARNING, 'some of the Arrow files are not there'),
    'noise-file': (WARNING, "a permutation of noisy pairs doesn't fit the training pairs"),
    'junk-ids': (NOTE, 'identities are negative, as those of junk'),
    'uncaptioned': (NOTE, 'images of the gallery have no captions'),
    'loader-says': (NOTE, 'what the loader uses, and what it leaves out'),
    'spelling': (NOTE, 'the annotation file is spelt with an underscore or with a hyphen'),
    'no-val': (NOTE, 'the release has no validation split'),
    'msmt17-overlap': (NOTE, 'persons may be shared with another data set from MSMT17'),
    'captions-per-image': (NOTE, 'images have different numbers of captions'),
    'single-images': (NOTE, 'identities with a single image'),
    'shared-captions': (NOTE, 'different persons have the same caption'),
    'caption-length': (NOTE, 'captions are shorter or longer than those of the release'),
    'cjk-marks': (NOTE, 'captions hold Chinese, Japanese or Korean marks'),
    'code-fragments': (NOTE, 'captions hold fragments of code'),
    'repeated-text': (NOTE, 'captions say the same sentence twice'),
}
"""Every finding: name -> severity and what it means."""

_MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor found.

    Attributes:
        code: its name, one of :data:`KINDS`.
        message: what is wrong, exactly.
        advice: what to do.
        count: how many records, images or identities.
        examples: some of them.
        fixable: whether a corrected annotation mends it.
    """

    code: str
    message: str
    advice: str = ''
    count: int = 0
    examples: tuple[str, ...] = ()
    fixable: bool = False

    def __post_init__(self) -> None:
        assert self.code in KINDS, self.code

    @property
    def severity(self) -> str:
        """'error', 'warning' or 'note'."""
        return KINDS[self.code][0]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {'severity': self.severity, **asdict(self), 'examples': list(self.examples)}


def listed(names: Iterable[object]) -> tuple[str, ...]:
    """The first few of many, for :attr:`Finding.examples`."""
    return tuple(str(name) for name, _ in zip(names, range(_MAX_EXAMPLES), strict=False))
