"""Transforms that do as authors' released code: a masked token at least, RDE's augmentation, torchvision's erasing."""

import numpy as np
import pytest
import torch
from torchvision import transforms

from mmt2ireid.datasets.transforms import AugmentTokens, MaskTokens, TorchvisionErasing
from mmt2ireid.text import shared_tokenizer

pytest.importorskip('open_clip')
CLIP = dict(type='CLIPTokenizer', mask_token=True)
CAPTION = 'a tall woman in a long red coat and white shoes walks along a wide street with a black bag'
START, END, MASK = 49406, 49407, 49405


def item(caption=CAPTION):
    return dict(captions=[caption], token_ids=[torch.tensor(shared_tokenizer(CLIP)([caption])[0])])


def test_one_token_is_masked_at_least():
    torch.manual_seed(0)
    usual, sure = (MaskTokens(CLIP, prob=0.1, at_least_one=one) for one in (False, True))
    lengths = [len(usual(item('red coat'))['mask_positions']) for _ in range(200)]
    assert lengths.count(0) > 100
    for _ in range(200):
        made = sure(item('red coat'))
        assert len(made['mask_positions']) >= 1
        if made['mask_positions'].tolist() == [1]:
            assert made['masked_token_ids'][0] == START and made['masked_token_ids'][-1] == END
    torch.manual_seed(1)
    forced = [made for made in (sure(item('red coat')) for _ in range(100)) if made['mask_positions'].tolist() == [1]]
    assert sum(made['masked_token_ids'][1] == MASK for made in forced) > 70


def test_the_switch_changes_nothing_where_a_token_is_chosen():
    for seed in range(50):
        made = []
        for at_least_one in (False, True):
            torch.manual_seed(seed)
            made.append(MaskTokens(CLIP, at_least_one=at_least_one)(item()))
        if len(made[0]['mask_positions']):
            assert torch.equal(made[0]['masked_token_ids'], made[1]['masked_token_ids'])


class TestAugmentTokens:
    def test_shares(self):
        torch.manual_seed(0)
        ids = item()['token_ids'][0]
        transform, number = AugmentTokens(CLIP), 1200
        made = [transform(item())['token_ids'][0] for _ in range(number)]
        words = len(ids) - 2
        assert all(row[0] == START and row[-1] == END and not (row[1:-1] >= START).any() for row in made)
        assert sum((row == MASK).sum().item() for row in made) / number / words == pytest.approx(0.12, abs=0.01)
        assert sum(len(ids) - len(row) for row in made) / number / words == pytest.approx(0.04, abs=0.005)
        own = set(ids.tolist()) | {MASK}
        foreign = sum(token not in own for row in made for token in row.tolist())
        assert foreign / number / words == pytest.approx(0.04, abs=0.005)

    def test_a_caption_never_loses_all_tokens(self):
        torch.manual_seed(0)
        transform = AugmentTokens(CLIP, prob=0.99, mask_share=0, random_share=0)
        assert {len(transform(item('coat'))['token_ids'][0]) for _ in range(50)} == {3}

    def test_every_caption_by_the_seed(self):
        made = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            results = item()
            results['token_ids'] *= 2
            made.append(AugmentTokens(CLIP)(results)['token_ids'])
        assert len(made[0]) == 2 and not torch.equal(*(made[0][n][:10] for n in (0, 1)))
        assert all(map(torch.equal, made[0], made[1])) and not torch.equal(made[0][0], made[2][0])

    @pytest.mark.parametrize(
        ('settings', 'message'),
        [
            (dict(prob=1), 'prob must be between 0 and 1'),
            (dict(mask_share=0.9), 'at most 1 together'),
            (dict(random_share=-0.1), 'must not be negative'),
        ],
    )
    def test_bad_settings(self, settings, message):
        with pytest.raises(ValueError, match=message):
            AugmentTokens(CLIP, **settings)

    def test_needs_a_mask_token(self):
        with pytest.raises(ValueError, match='mask token, but CLIPTokenizer has none'):
            AugmentTokens(dict(type='CLIPTokenizer')).load()


class TestErasing:
    image = np.random.default_rng(0).integers(0, 255, (384, 128, 3), dtype=np.uint8)

    def test_equals_torchvision(self):
        color = (133, 147, 156)
        ours, theirs = TorchvisionErasing(fill_color=color), transforms.RandomErasing(scale=(0.02, 0.4), value=color)
        for seed in range(40):
            torch.manual_seed(seed)
            found = ours(dict(img=self.image))['img']
            torch.manual_seed(seed)
            wanted = theirs(torch.from_numpy(self.image).permute(2, 0, 1).float()).permute(1, 2, 0)
            assert np.array_equal(found, wanted.numpy().astype(np.uint8)), seed

    def test_rectangles_lie_within_the_image(self):
        torch.manual_seed(0)
        transform = TorchvisionErasing(prob=1.0, fill_color=(255, 255, 255))
        before = self.image.copy()
        for _ in range(300):
            erased = (transform(dict(img=self.image))['img'] == 255).all(2)
            assert not erased.all(0).any() and not erased.all(1).any()
        assert np.array_equal(self.image, before)

    def test_bad_settings(self):
        with pytest.raises(ValueError, match='prob must be from 0 to 1'):
            TorchvisionErasing(prob=2)
        with pytest.raises(ValueError, match='area and aspect must be ranges'):
            TorchvisionErasing(area=(0.4, 0.02))
        with pytest.raises(ValueError, match='area and aspect must be ranges'):
            TorchvisionErasing(area=(0.1,))
        for color in ((0, 0, 256), (1, 2)):
            with pytest.raises(ValueError, match='fill_color must be three numbers from 0 to 255'):
                TorchvisionErasing(fill_color=color)
