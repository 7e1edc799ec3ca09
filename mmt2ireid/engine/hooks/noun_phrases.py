"""Noun phrases of the training captions for the heads that compare captions by them."""

from __future__ import annotations

import os

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmt2ireid.engine.hooks.main_process import from_main_process
from mmt2ireid.registry import HOOKS

_SYNONYMS = ('table', 'table+wordnet')
_CHOICES = "'table', 'table+wordnet', None or the path of a YAML file that exists"


@HOOKS.register_module()
class NounPhraseHook(Hook):
    """Fills the model's phrase bank before training starts (CMMT, ICCV 2021, section 3.4).

    The main process reads the captions and keeps the result on disk; the others take it from there.

    Args:
        tagger: 'nltk', 'embedded', or 'auto', the first where NLTK and its data are installed.
        max_share: phrases that more than this share of the captions has are left out; 1: none, as in the paper. Where
            people say the same few things ("man", "white shoes"), Text-IoU is else above 0 for most pairs of persons.
        cache_dir: folder of the cache; ``phrases`` beside the run's checkpoints by default. On several machines it
            must be a folder that they share.
        workers: processes that read captions.
        synonyms: which phrases count as the same. 'table': the classes of ``mmt2ireid/text/data/synonyms.yaml``;
            'table+wordnet': also nouns that WordNet, which NLTK brings, joins; None: singular and plural only; else the
            path of a YAML file of the same format, which every machine needs. The paper counts "the same noun phrases
            and the synonymous noun phrases" without saying whose synonyms.

    Raises:
        ValueError: ``max_share`` is not in (0, 1], or ``synonyms`` is none of these, or there is no such file.
    """

    priority = 'LOW'

    def __init__(
        self,
        tagger: str = 'auto',
        cache_dir: str | os.PathLike | None = None,
        workers: int = 2,
        *,
        max_share: float = 1.0,
        synonyms: str | os.PathLike | None = 'table',
    ) -> None:
        if not 0 < max_share <= 1:
            raise ValueError(f'max_share must be in (0, 1], but got {max_share!r}')
        named = synonyms is None or synonyms in _SYNONYMS
        if not named and not (isinstance(synonyms, str | os.PathLike) and os.path.isfile(synonyms)):
            raise ValueError(f'synonyms must be {_CHOICES}, but got {synonyms!r}')
        self.synonyms = synonyms
        self.tagger, self.cache_dir, self.workers, self.max_share = tagger, cache_dir, workers, max_share

    def before_train(self, runner: Runner) -> None:
        """Fills the bank.

        Args:
            runner: the runner.

        Raises:
            ValueError: no head of the model needs phrases, the training set is not one whole set of pairs, or the file
                of synonyms is malformed.
            ImportError: NLTK is asked for, as tagger or for WordNet, and not installed.
            FileNotFoundError: NLTK's data is asked for and not there.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        bank = getattr(model, 'phrase_bank', None)
        if bank is None:
            raise ValueError('NounPhraseHook must have a head that needs phrases, but got a model without one')
        dataset = runner.train_dataloader.dataset
        if not hasattr(dataset, 'all_captions') or len(captions := dataset.all_captions()) != len(dataset):
            raise ValueError(
                "the training set must be one dataset of pairs (unit='pair', no ConcatDataset or RepeatDataset), whose "
                f'captions have the numbers of its items, but got {type(dataset).__name__} with {len(dataset)} items'
            )
        cache_dir = self.cache_dir or os.path.join(runner.work_dir, 'phrases')
        options = dict(tagger=self.tagger, synonyms=self.synonyms, cache_dir=cache_dir, max_share=self.max_share)
        from_main_process(lambda: bank.read(captions, **options, workers=self.workers))
        if not is_main_process():
            bank.read(captions, **options, progress=False)
        runner.logger.info(
            f'Text-IoU compares {bank.num_phrases} noun phrases in {len(captions)} captions (max_share '
            f'{self.max_share:g}, synonyms {self.synonyms}), found by the {bank.tagger} tagger; {bank.num_empty} '
            'captions have none of them'
        )
