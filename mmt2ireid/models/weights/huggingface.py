"""BERT, its encoder and its prediction head, from transformers checkpoints."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import nn

from mmt2ireid.models.weights.matching import load_matching
from mmt2ireid.registry import WEIGHT_INITIALIZERS
from mmt2ireid.text.clip_weights import only_weights

if TYPE_CHECKING:
    from transformers import BertForMaskedLM


@WEIGHT_INITIALIZERS.register_module()
class HFPretrained:
    """Initialises a module from a transformers checkpoint; the module knows which part of it is its own.

    Args:
        checkpoint: a model name (``bert-base-uncased``) or a folder that ``save_pretrained`` wrote.
    """

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint

    def __call__(self, module: nn.Module) -> None:
        """Calls the module's ``load_hf``.

        Raises:
            ValueError: if the module has none.
        """
        load = getattr(module, 'load_hf', None)
        if load is None:
            raise ValueError(
                f'init_cfg HFPretrained must be given to a module with load_hf, but got {type(module).__name__}'
            )
        load(self.checkpoint)


def load_bert(module: nn.Module, checkpoint: str) -> None:
    """Loads a BERT encoder (no pooler) into ``module``, a ``transformers.BertModel``.

    Raises:
        OSError: if the checkpoint can't be fetched.
        ValueError: if it holds no BERT, or its shapes are not the module's.
    """
    model, missing = _bert_for_mlm(checkpoint)
    _refuse_random(missing, 'bert.', 'encoder', checkpoint)
    load_matching(module, model.bert.state_dict(), checkpoint)


def load_bert_mlm_head(module: nn.Module, checkpoint: str) -> None:
    """Loads BERT's prediction head into ``module`` with parts ``transform`` and ``decoder``.

    Raises:
        OSError: if the checkpoint can't be fetched.
        ValueError: if it has no prediction head, or its shapes are not the module's.
    """
    model, missing = _bert_for_mlm(checkpoint)
    _refuse_random(missing, 'cls.predictions.', 'prediction head', checkpoint)
    parts = ('transform.', 'decoder.')
    state = {key: value for key, value in model.cls.predictions.state_dict().items() if key.startswith(parts)}
    load_matching(module, state, checkpoint)


def _bert_for_mlm(checkpoint: str) -> tuple[BertForMaskedLM, list[str]]:
    """The model, and what transformers has left random because the checkpoint does not hold it."""
    from transformers import BertForMaskedLM

    try:
        with only_weights(), _errors_only():
            found: Any = BertForMaskedLM.from_pretrained(checkpoint, output_loading_info=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f'{checkpoint!r} must hold weights only, but its .bin file is damaged or needs code to run: save the model '
            'as .safetensors'
        ) from error
    except OSError as error:
        raise OSError(_advice(checkpoint, error)) from error
    model, info = found
    return model, sorted(info['missing_keys'])


@contextmanager
def _errors_only() -> Iterator[None]:
    """Silence transformers' report of missing weights: what is needed is checked here, the rest is of no interest."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _refuse_random(missing: list[str], prefix: str, part: str, checkpoint: str) -> None:
    lost = [key for key in missing if key.startswith(prefix)]
    if lost:
        raise ValueError(
            f"{checkpoint!r} must hold BERT's {part}, but {len(lost)} of its weights are missing, first {lost[0]}: "
            'transformers would start them from random values'
        )


def _advice(checkpoint: str, error: OSError) -> str:
    keys = 'model.text_encoder.init_cfg.checkpoint=FOLDER model.heads.mlm.init_cfg.checkpoint=FOLDER'
    if os.path.isdir(checkpoint):
        return (
            f'The folder {checkpoint!r} must hold a transformers checkpoint (config.json and model.safetensors or '
            f'pytorch_model.bin), but: {str(error).strip().splitlines()[0]}'
        )
    return (
        f'The transformers checkpoint {checkpoint!r} is neither a folder here nor in the cache, {hub_cache(checkpoint)}'
        f', and could not be fetched from https://huggingface.co/{checkpoint}. Where there is a network, run '
        f'`hf download {checkpoint} --local-dir FOLDER`, bring the folder to this machine and name it: --cfg-options '
        f'{keys} (init_cfg.checkpoint of whatever is initialised from it); or run `hf download {checkpoint}` and copy '
        'the folder of the cache to the place above. To start from random weights, set init_cfg=None.'
    )


def hub_cache(repository: str) -> str:
    """Where huggingface_hub looks for a repository's files before it asks the network."""
    from huggingface_hub import constants

    return os.path.join(constants.HF_HUB_CACHE, f'models--{repository.replace("/", "--")}')
