"""Noun phrases of captions, and of whole data sets in parallel."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmt2ireid.compat import worker_pool
from mmt2ireid.text.phrases import chunker
from mmt2ireid.text.phrases.lemmas import Lemmatizer
from mmt2ireid.text.phrases.lexicon import shared_lexicon
from mmt2ireid.text.phrases.synonyms import SynonymTable, build_synonyms
from mmt2ireid.text.phrases.table import FORMAT, PhraseTable, load_table, save_table
from mmt2ireid.text.phrases.tagging import Tagger, build_tagger
from mmt2ireid.text.phrases.wordnet import WordNet
from mmt2ireid.text.phrases.words import sentences

WITH_WORDNET = 'table+wordnet'
_CHUNK = 512
_SHOWN = 3
Phrase = tuple[str, ...]

logger = logging.getLogger(__name__)


def noun_phrases(caption: str, tagger: Tagger) -> list[Phrase]:
    """The noun phrases of a caption (CMMT eq. 9), in its order and words; repeated ones are repeated.

    Args:
        caption: any text; one without a noun gives an empty list.
        tagger: of :func:`build_tagger`.
    """
    lexicon = shared_lexicon()
    return [
        phrase for words in sentences(caption, lexicon) for phrase in chunker.chunk(words, tagger.tag(words), lexicon)
    ]


def phrase_table(
    captions: Sequence[str],
    *,
    tagger: str = 'auto',
    synonyms: SynonymTable | str | os.PathLike | None = 'table',
    cache_dir: str | os.PathLike | None = None,
    workers: int = 0,
    progress: bool = True,
) -> PhraseTable:
    """Phrase ids of all captions of a data set, once (METHODS 3.6; CMMT eq. 9).

    The result is the same for any number of workers. The log says how many captions have no noun phrase; their rows
    are empty.

    Args:
        captions: N texts.
        tagger: ``nltk``, ``embedded``, or ``auto``: the first where it is installed.
        synonyms: ``table`` is the package's table of synonym classes, ``table+wordnet`` adds WordNet's singulars and
            joins nouns that have the same only sense, unless the package keeps them apart; None has no classes, a path
            is a YAML file like the package's.
        cache_dir: folder of the cache, or None. The file's name is derived of the captions and of all that the phrases
            depend on. A damaged file is made anew, and the log says so.
        workers: processes; 0 or 1 works in this one.
        progress: show a progress bar.

    Returns:
        The table; caption i is row i.

    Raises:
        ValueError: no captions, a caption that is no string, a negative number of workers, an unknown tagger or a bad
            table of synonyms.
        ImportError: NLTK is asked for and not installed.
        FileNotFoundError: NLTK's data, or a table of synonyms, is asked for and not there.
    """
    captions = _checked(captions)
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 0:
        raise ValueError(f'workers must be an integer of at least 0, but got {workers!r}')
    reader = build_tagger(tagger)
    classes, wordnet = _classes(synonyms)
    digests = [reader.digest, shared_lexicon().digest, classes.digest, wordnet.digest if wordnet else 'none']
    key = _key(captions, [*digests, f'chunker {chunker.VERSION}', f'format {FORMAT}'])
    path = Path(cache_dir, f'phrases_{key[:32]}.npz') if cache_dir is not None else None
    table = _from_cache(path, key)
    if table is None:
        table = _build(captions, reader, classes, wordnet, workers, progress)
        if path is not None:
            save_table(path, table, key)
    _report(table, captions)
    return table


def _checked(captions: Sequence[str]) -> list[str]:
    if isinstance(captions, (str, bytes)):
        raise ValueError(f'captions must be a list of strings, but got {type(captions).__name__}')
    captions = list(captions)
    if not captions:
        raise ValueError('captions must hold at least one caption, but there is none')
    for index, caption in enumerate(captions):
        if not isinstance(caption, str):
            raise ValueError(f'captions[{index}] must be a string, but got {type(caption).__name__}: {caption!r}')
    return captions


def _classes(synonyms: SynonymTable | str | os.PathLike | None) -> tuple[SynonymTable, WordNet | None]:
    if synonyms != WITH_WORDNET:
        return build_synonyms(synonyms), None
    wordnet = WordNet()
    return SynonymTable.read().relemmatized(Lemmatizer(wordnet.singular)), wordnet


def _key(captions: list[str], digests: Iterable[str]) -> str:
    """SHA-256 of the captions, in order, and of what reads them."""
    content = hashlib.sha256()
    for text in [*digests, *captions]:
        # Lengths keep ['ab', 'c'] and ['a', 'bc'] apart; lone surrogates are possible in JSON.
        data = text.encode('utf-8', 'surrogatepass')
        content.update(len(data).to_bytes(8, 'little'))
        content.update(data)
    return content.hexdigest()


def _from_cache(path: Path | None, key: str) -> PhraseTable | None:
    if path is None:
        return None
    try:
        return load_table(path, key)
    except FileNotFoundError:
        return None
    except ValueError as error:
        logger.warning('phrases are extracted again: %s', error)
        return None


def _build(
    captions: list[str],
    tagger: Tagger,
    synonyms: SynonymTable,
    wordnet: WordNet | None,
    workers: int,
    progress: bool,
) -> PhraseTable:
    found: dict[Phrase, int] = {}
    rows: list[list[int]] = []
    with tqdm(total=len(captions), desc='phrases', unit=' captions', disable=not progress) as bar:
        for phrases_of in _extracted(captions, tagger, workers):
            # Numbered in the order of the captions, which the chunks keep: workers change nothing.
            rows += [[found.setdefault(phrase, len(found)) for phrase in phrases] for phrases in phrases_of]
            bar.update(len(phrases_of))
    if wordnet is not None:
        synonyms = _with_wordnet(synonyms, wordnet, {synonyms.lemma(phrase[-1]) for phrase in found})
    forms = [synonyms.canonical(phrase) for phrase in found]
    names = tuple(sorted(set(forms)))
    number = {name: i for i, name in enumerate(names)}
    class_of = [number[form] for form in forms]
    ids = [sorted({class_of[i] for i in row}) for row in rows]
    indptr = np.cumsum([0, *map(len, ids)], dtype=np.int64)
    indices = np.fromiter((i for row in ids for i in row), dtype=np.int32, count=int(indptr[-1]))
    return PhraseTable(indptr, indices, names, tagger.name)


def _with_wordnet(synonyms: SynonymTable, wordnet: WordNet, nouns: set[str]) -> SynonymTable:
    """Joins WordNet's classes, but none of two nouns that this package knows and keeps apart (parka, windbreaker)."""
    lexicon = shared_lexicon()

    def num_known(group: list[str]) -> int:
        return len({synonyms.canonical([noun]) for noun in group if noun in lexicon})

    return synonyms.extended(group for group in wordnet.classes(nouns) if num_known(group) < 2)


def _extracted(captions: list[str], tagger: Tagger, workers: int) -> Iterator[list[list[Phrase]]]:
    """Phrases of chunk after chunk of captions, in order."""
    chunks = [captions[start : start + _CHUNK] for start in range(0, len(captions), _CHUNK)]
    workers = min(workers, len(chunks))
    if workers < 2:
        yield from (_phrases_of(chunk, tagger) for chunk in chunks)
        return
    with worker_pool(workers) as pool:
        yield from pool.map(functools.partial(_in_worker, tagger.name), chunks)


def _in_worker(tagger: str, captions: list[str]) -> list[list[Phrase]]:
    return _phrases_of(captions, _worker_tagger(tagger))


@functools.cache
def _worker_tagger(name: str) -> Tagger:
    return build_tagger(name)


def _phrases_of(captions: list[str], tagger: Tagger) -> list[list[Phrase]]:
    return [list(dict.fromkeys(noun_phrases(caption, tagger))) for caption in captions]


def _report(table: PhraseTable, captions: list[str]) -> None:
    """Logs the size of the table, and names captions without any phrase."""
    mean = len(table.indices) / len(table)
    logger.info('%d captions have %d different noun phrases, %.1f each, by the %s tagger',
                len(table), table.num_phrases, mean, table.tagger)  # fmt: skip
    empty = table.empty
    if len(empty):
        shown = ', '.join(f'captions[{i}] = {captions[i][:60]!r}' for i in empty[:_SHOWN])
        logger.warning('%d of %d captions have no noun phrase: %s%s',
                       len(empty), len(table), shown, ' ...' if len(empty) > _SHOWN else '')  # fmt: skip
