"""Weights by name, through the library that owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from mmt2ireid.registry import WEIGHT_INITIALIZERS

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
        ValueError: if its shapes are not the module's.
    """
    load_matching(module, _bert_for_mlm(checkpoint).bert.state_dict(), checkpoint)


def load_bert_mlm_head(module: nn.Module, checkpoint: str) -> None:
    """Loads BERT's prediction head into ``module`` with parts ``transform`` and ``decoder``.

    Raises:
        OSError: if the checkpoint can't be fetched.
        ValueError: if its shapes are not the module's.
    """
    head = _bert_for_mlm(checkpoint).cls.predictions
    parts = ('transform.', 'decoder.')
    load_matching(module, {k: v for k, v in head.state_dict().items() if k.startswith(parts)}, checkpoint)


def _bert_for_mlm(checkpoint: str) -> BertForMaskedLM:
    from transformers import BertForMaskedLM

    try:
        return BertForMaskedLM.from_pretrained(checkpoint)
    except OSError as error:
        raise OSError(
            f'The transformers checkpoint {checkpoint!r} is neither a folder here nor in the cache, and could not be '
            f'fetched. Where there is a network, run `hf download {checkpoint}` and copy the cache folder '
            f'(HF_HOME, by default ~/.cache/huggingface) to this machine; or save the model with save_pretrained and '
            f'give that folder as init_cfg.checkpoint. To start from random weights, set init_cfg=None.'
        ) from error


def load_matching(module: nn.Module, state: dict, checkpoint: str) -> None:
    """Loads a state dict that must have the module's entries, no other, all of the same shape.

    Raises:
        ValueError: if it has not; the message names ``checkpoint``.
    """
    own = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    got = {key: tuple(value.shape) for key, value in state.items()}
    # Both ways: a checkpoint with more layers than the model must not lose them silently.
    wrong = [
        f'{key}: {got.get(key, "missing")} in the checkpoint, {own.get(key, "missing")} in the model'
        for key in {**own, **got}
        if got.get(key) != own.get(key)
    ]
    if wrong:
        raise ValueError(
            f'{checkpoint!r} must have the shapes of {type(module).__name__}, but {len(wrong)} of '
            f'{len({**own, **got})} entries differ, first {"; ".join(wrong[:3])}'
        )
    module.load_state_dict(state)
