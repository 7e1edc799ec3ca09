import pytest
import torch

from mmt2ireid.datasets.transforms import DeleteWords
from mmt2ireid.registry import TRANSFORMS

WORDS = [f'word{number}' for number in range(20)]


def shorten(transform, *captions):
    return transform({'captions': list(captions)})['captions']


def test_share_of_words_left_out():
    torch.manual_seed(0)
    transform = DeleteWords(prob=0.1)
    left = [shorten(transform, ' '.join(WORDS))[0].split() for _ in range(2000)]
    assert sum(map(len, left)) / len(left) / len(WORDS) == pytest.approx(0.9, abs=0.005)
    for caption in left:
        assert caption == [word for word in WORDS if word in caption]
    for word in WORDS:
        assert sum(word in caption for caption in left) / len(left) == pytest.approx(0.9, abs=0.03)


def test_one_word_always_stays():
    torch.manual_seed(0)
    transform = DeleteWords(prob=0.99)
    left = [shorten(transform, 'red blue green')[0] for _ in range(300)]
    assert {len(caption.split()) for caption in left} <= {1, 2}
    assert {'red', 'blue', 'green'} <= set(left)
    assert shorten(transform, 'red', '  ') == ['red', '  ']


def test_same_seed_same_words():
    transform = TRANSFORMS.build(dict(type='mmt2ireid.DeleteWords', prob=0.5))
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        found.append(shorten(transform, ' '.join(WORDS), 'a man in red'))
    assert found[0] == found[1] and len(found[0]) == 2
    assert repr(transform) == 'DeleteWords(prob=0.5)'


@pytest.mark.parametrize('prob', [0, 1, -0.1])
def test_bad_probability(prob):
    with pytest.raises(ValueError, match='prob must be between 0 and 1'):
        DeleteWords(prob=prob)
