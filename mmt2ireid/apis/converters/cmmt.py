"""The checkpoint of CMMT's authors (Zhao et al., ICCV 2021)."""

from __future__ import annotations

import pickle
from typing import Any

import torch
from torch import Tensor, nn

from mmt2ireid.apis.converters.convert import Converter
from mmt2ireid.apis.converters.rules import Advice, Rule

_STATISTICS = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
_LSTM = r'bilstm\.bilstm\.0\.(weight_ih|weight_hh|bias_ih|bias_hh)'


def fit_network(key: str, value: Tensor, model: nn.Module) -> Tensor:
    """1x1 convolutions as linear maps, and word vectors in the order of ``WordTokenizer``'s ids.

    The authors' ids are 0, 1, ... for words and the number of words for an unknown one; they pad with 0 and read none
    of it. Ours are 0 for padding, 1 for an unknown word and 2, 3, ... for words.

    Args:
        key: ours.
        value: the file's entry.
        model: not needed.

    Returns:
        The value that our model needs.
    """
    if key.endswith('.project.weight') and value.ndim == 4 and value.shape[2:] == (1, 1):
        return value[:, :, 0, 0]
    if key == 'text_encoder.embedding.weight' and value.ndim == 2:
        return torch.cat([torch.zeros_like(value[:1]), value[-1:], value[:-1]])
    return value


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers, strings and their lists and dicts, and refuses all that would have to be imported."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f'it asks for {module}.{name}')


def read_words(path: str) -> list[str]:
    """Reads ``word_to_index.pkl``, which the authors' preprocessing writes; nothing in the file is run.

    Args:
        path: the file, a pickled dict of word to id.

    Returns:
        The words in the order of their ids.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is another file, or ids are not 0, 1, ... without gaps.
    """
    try:
        with open(path, 'rb') as file:
            found = _PlainUnpickler(file).load()
    except OSError:
        raise
    except Exception as error:  # damaged pickles raise almost anything
        raise ValueError(f'{path} must be a pickled dict of words to numbers and nothing else, but {error}') from error
    if not isinstance(found, dict) or not all(
        isinstance(word, str) and type(number) is int for word, number in found.items()
    ):
        raise ValueError(f'{path} must be a pickled dict of words to numbers, but holds a {type(found).__name__}')
    words = sorted(found, key=found.__getitem__)
    if not words or [found[word] for word in words] != list(range(len(words))):
        raise ValueError(f'{path} must number its {len(words)} words 0, 1, ... without gaps, but does not')
    return words


CMMT = Converter(
    name='CMMT',
    config='cmmt/r50_cuhk_release',
    # Their training saves {network, optimizer, epoch ...}, with DataParallel's names.
    wrappers=('network', 'state_dict'),
    adapt=fit_network,
    rules=(
        Rule(r'image_model\.fc\..+', reason="the classifier of ImageNet's classes, which their network does not read"),
        Rule(r'image_model\.(.+)', r'image_encoder.\1'),
        Rule(r'bilstm\.embed\.weight', 'text_encoder.embedding.weight'),
        Rule(rf'{_LSTM}_l0', r'text_encoder.forward_lstm.\1_l0'),
        Rule(rf'{_LSTM}_l0_reverse', r'text_encoder.backward_lstm.\1_l0'),
        Rule(rf'{_LSTM}_l1', r'text_encoder.upper.0.forward_lstm.\1_l0'),
        Rule(rf'{_LSTM}_l1_reverse', r'text_encoder.upper.0.backward_lstm.\1_l0'),
        Rule(r'conv_images\.(weight|bias)', r'img_neck.project.\1'),
        Rule(r'conv_text\.(weight|bias)', r'txt_neck.project.\1'),
        Rule(rf'bottleneck_image\.{_STATISTICS}', r'img_neck.norm.\1'),
        Rule(rf'bottleneck_text\.{_STATISTICS}', r'txt_neck.norm.\1'),
    ),
    advice=(
        Advice(
            r'text_encoder\.embedding\.weight',
            'the file has {0} rows, one of them of padding: --cfg-options model.text_encoder.vocab_size={0} '
            'model.text_encoder.embed_dims={1}',
        ),
        Advice(
            r'(?:img|txt)_neck\..+', 'the common width of the file is {0}: model.img_neck.out_channels and txt_neck'
        ),
        Advice(r'image_encoder\..+', 'the published network has a ResNet-50; other files of this code may not'),
    ),
    changes={'model.heads.memory': None},
    read_words=read_words,
)
"""How the file of CMMT's authors becomes a checkpoint of ``configs/cmmt/r50_cuhk_release.py``."""
