"""How pseudo-texts are made and stored."""

from __future__ import annotations

from dataclasses import dataclass

from mmt2ireid.pseudo_text.generation.features import DTYPES
from mmt2ireid.pseudo_text.generation.store import FORMATS


@dataclass(frozen=True, kw_only=True)
class GeneratorOptions:
    """How pseudo-texts are made and stored.

    Attributes:
        threshold: an optional attribute is kept where its probability exceeds this.
        num_captions: captions per image.
        shard_size: images per shard. 4096 are some seconds' work of a GPU, so little is lost with a killed process,
            and 10 million images make no more than 2442 files. With embedded images a shard takes about 50 MB.
        batch_size: images that are scored together; it is part of what results depend on, by rounding.
        num_workers: processes that read images; 0 reads them in this one.
        embed_images: put the encoded images beside the captions, as the release of LUPerson-T has them.
        file_format: 'arrow' (can be mapped into memory) or 'parquet' (smaller).
        split: what the column ``split`` says.
        feature_dtype: 'float16' or 'float32', for features that are kept.
        progress: show a progress bar, in rank 0.
        fresh: remove earlier results of this tool in the folder, whatever they were made from. Features stay.

    Raises:
        ValueError: an option does not fit.
    """

    threshold: float = 0.9
    num_captions: int = 1
    shard_size: int = 4096
    batch_size: int = 256
    num_workers: int = 2
    embed_images: bool = False
    file_format: str = 'arrow'
    split: str = 'train'
    feature_dtype: str = 'float16'
    progress: bool = True
    fresh: bool = False

    def __post_init__(self) -> None:
        for name, least in (('num_captions', 1), ('shard_size', 1), ('batch_size', 1), ('num_workers', 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f'{name} must be an integer of at least {least}, but got {value!r}')
        if not 0 <= self.threshold < 1:
            raise ValueError(f'threshold must be in [0, 1), but got {self.threshold}')
        for name, choices in (('file_format', FORMATS), ('feature_dtype', tuple(DTYPES))):
            if getattr(self, name) not in choices:
                raise ValueError(f'{name} must be one of {choices}, but got {getattr(self, name)!r}')
