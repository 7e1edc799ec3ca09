import io

import cv2
import numpy as np
import pytest
import torch
from person_data import PIECES, draw
from PIL import Image

from mmt2ireid.datasets import BadImageError
from mmt2ireid.datasets.transforms import LoadPersonImage, MaskTokens, PackPersonInputs, Tokenize
from mmt2ireid.structures import PersonSample
from mmt2ireid.text import shared_tokenizer

SPECIAL = [0, 1, 2, 3, 4]
WALK, RED, S, ING = (PIECES.index(piece) for piece in ('walk', 'red', '##s', '##ing'))


def load(content, **extra):
    return LoadPersonImage()(dict(img_path='x.png', img_bytes=content, **extra))


def pil_bytes(image, form='PNG', **args):
    stream = io.BytesIO()
    image.save(stream, form, **args)
    return stream.getvalue()


def test_load_gives_bgr_uint8(tmp_path):
    img = draw(0)
    cv2.imwrite(str(tmp_path / 'a.png'), img)
    from_file = LoadPersonImage()({'img_path': str(tmp_path / 'a.png')})
    from_bytes = load((tmp_path / 'a.png').read_bytes())
    for results in (from_file, from_bytes):
        assert np.array_equal(results['img'], img) and results['img'].dtype == np.uint8
        assert results['img_shape'] == results['ori_shape'] == (60, 30)
        assert 'img_bytes' not in results
    rgb = Image.fromarray(img[..., ::-1].copy())
    assert np.array_equal(load(pil_bytes(rgb))['img'], img)


def test_grey_alpha_palette_and_bmp_become_three_channels():
    rgb = Image.fromarray(draw(1)[..., ::-1].copy())
    grey = rgb.convert('L')
    for image in (grey, rgb.convert('LA'), rgb.convert('1')):
        img = load(pil_bytes(image))['img']
        assert img.shape == (60, 30, 3) and (img == img[..., :1]).all()
    assert np.array_equal(load(pil_bytes(grey))['img'][..., 0], np.asarray(grey))
    assert np.array_equal(load(pil_bytes(rgb, 'BMP'))['img'], draw(1))
    assert load(pil_bytes(rgb.convert('P')))['img'].shape == (60, 30, 3)


@pytest.mark.parametrize('content', [b'', b'no picture', b'\xff\xd8', b'GIF89a'])
def test_no_picture_is_a_bad_image(content):
    with pytest.raises(BadImageError, match=r'^x.png is ') as caught:
        load(content)
    assert caught.value.path == 'x.png' and caught.value.reason


@pytest.mark.parametrize('form', ['JPEG', 'PNG'])
def test_picture_cut_short_is_a_bad_image(form):
    content = pil_bytes(Image.fromarray(draw(2, 200, 100)), form)
    assert load(content)['img'].shape == (200, 100, 3)
    with pytest.raises(BadImageError, match=r'x.png is '):
        load(content[: len(content) * 2 // 3])


def test_mark_of_a_thumbnail_does_not_hide_a_cut():
    content = pil_bytes(Image.fromarray(draw(2, 200, 100)), 'JPEG')
    thumbnail = pil_bytes(Image.fromarray(draw(3, 16, 8)), 'JPEG')
    header = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    content = content[:2] + header + content[2:]
    assert load(content)['img'].shape == (200, 100, 3)
    with pytest.raises(BadImageError, match=r'x.png is damaged or cut short'):
        load(content[: len(content) * 2 // 3])


def test_jpeg_with_a_tail_is_read():
    content = pil_bytes(Image.fromarray(draw(2)), 'JPEG', quality=95)
    expected = load(content)['img']
    assert np.array_equal(load(content + b'\0\0tail')['img'], expected)


def test_missing_file_is_a_bad_image(tmp_path):
    with pytest.raises(BadImageError, match='is not there'):
        LoadPersonImage()({'img_path': str(tmp_path / 'none.jpg')})


def test_folder_and_impossible_path_are_bad_images(tmp_path):
    for path, reason in ((str(tmp_path), 'is a folder'), ('a\0b.jpg', 'null byte')):
        with pytest.raises(BadImageError, match=reason):
            LoadPersonImage()({'img_path': path})


def test_cmyk_and_16_bits_become_8_bit_colours():
    grey = np.arange(60, dtype=np.uint16)[:, None].repeat(30, 1)
    assert np.array_equal(load(pil_bytes(Image.fromarray(grey * 257)))['img'][..., 0], grey)
    flat = Image.new('RGB', (32, 32), (200, 60, 20))
    img = load(pil_bytes(flat.convert('CMYK'), 'JPEG', quality=95))['img']
    assert np.abs(img.astype(int) - (20, 60, 200)).max() <= 3


def tokenized(cfg, *captions):
    return Tokenize(cfg)({'captions': list(captions), 'img_path': 'x.png'})


def test_tokenize_gives_unpadded_int64(tokenizer_cfg):
    results = tokenized(tokenizer_cfg, 'walking red', 'reds')
    assert [ids.tolist() for ids in results['token_ids']] == [[2, WALK, ING, RED, 3], [2, RED, S, 3]]
    assert all(ids.dtype == torch.int64 for ids in results['token_ids'])


def test_tokenize_counts_truncations(tokenizer_cfg):
    transform = Tokenize(tokenizer_cfg)
    transform({'captions': ['red ' * 150, 'red', 'red ' * 99]})
    assert transform.num_truncated == 2
    assert Tokenize(tokenizer_cfg).num_truncated == 0


def test_tokenize_names_the_image_of_an_empty_caption(tokenizer_cfg):
    with pytest.raises(ValueError, match=r'x.png: caption 1 must hold'):
        tokenized(tokenizer_cfg, 'red', '')


def test_transforms_share_a_tokenizer(tokenizer_cfg):
    assert Tokenize(tokenizer_cfg).tokenizer is MaskTokens(tokenizer_cfg).tokenizer


def mask_many(transform, caption, number):
    cfg_ids = [torch.tensor(transform.tokenizer([caption])[0])]
    made = [transform({'captions': [caption], 'token_ids': cfg_ids}) for _ in range(number)]
    return cfg_ids[0], torch.stack([m['masked_token_ids'] for m in made]), [m['mask_positions'] for m in made]


CAPTION = ' '.join(['walking red reds unknown word3 word4 word5'] * 3)


def shares(ids, masked, chosen):
    """Share of real tokens that are chosen, and of those the shares masked, replaced by another, and left."""
    real = ~torch.isin(ids, torch.tensor(SPECIAL))
    picked, new = masked[chosen], ids.expand_as(masked)[chosen]
    rates = (
        (picked == 4).float().mean(),
        ((picked != 4) & (picked != new)).float().mean(),
        (picked == new).float().mean(),
    )
    return chosen[:, real].float().mean().item(), *(rate.item() for rate in rates)


def test_masking_statistics_equal_the_collator(tokenizer_cfg):
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    torch.manual_seed(0)
    number = 4000
    ids, masked, positions = mask_many(MaskTokens(tokenizer_cfg, prob=0.15), CAPTION, number)
    chosen = torch.zeros_like(masked, dtype=torch.bool)
    for row, position in zip(chosen, positions, strict=True):
        assert position.tolist() == sorted(position.tolist())
        row[position] = True
    assert not chosen[:, torch.isin(ids, torch.tensor(SPECIAL))].any()
    assert (masked[~chosen] == ids.expand_as(masked)[~chosen]).all()
    ours = shares(ids, masked, chosen)

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_cfg['name_or_dir'])
    collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.15)
    inputs, labels = collator.torch_mask_tokens(ids.repeat(number, 1))
    theirs = shares(ids, inputs, labels != -100)
    # Theirs may draw a special token as a replacement, ours may not: five of the vocabulary's 39.
    assert ours == pytest.approx(theirs, abs=0.02)
    per_position = chosen.float().mean(0)[~torch.isin(ids, torch.tensor(SPECIAL))]
    assert (per_position - 0.15).abs().max() < 5 * (0.15 * 0.85 / number) ** 0.5


def test_random_replacements_are_never_special(tokenizer_cfg):
    torch.manual_seed(0)
    ids, masked, _ = mask_many(MaskTokens(tokenizer_cfg, prob=0.9), CAPTION, 2000)
    changed = masked[(masked != ids) & (masked != 4)]
    assert sorted(set(changed.tolist())) == list(range(5, len(PIECES)))


def test_tokens_are_chosen_independently(tokenizer_cfg):
    torch.manual_seed(0)
    _, masked, positions = mask_many(MaskTokens(tokenizer_cfg, prob=0.3), CAPTION, 4000)
    chosen = torch.zeros(masked.shape)
    for row, position in zip(chosen, positions, strict=True):
        row[position] = 1
    real = chosen[:, chosen.sum(0) > 0]
    off_diagonal = torch.corrcoef(real.T) - torch.eye(real.shape[1])
    assert off_diagonal.abs().max() < 0.08


def test_whole_words_are_chosen_together(tokenizer_cfg):
    torch.manual_seed(0)
    transform = MaskTokens(tokenizer_cfg, prob=0.2, whole_word=True)
    _, masked, positions = mask_many(transform, 'walking red reds unknown', 3000)
    # [CLS] walk ##ing red red ##s [UNK] [SEP]
    chosen = torch.zeros(masked.shape, dtype=torch.bool)
    for row, position in zip(chosen, positions, strict=True):
        row[position] = True
    assert (chosen[:, 1] == chosen[:, 2]).all() and (chosen[:, 4] == chosen[:, 5]).all()
    assert not chosen[:, [0, 6, 7]].any()
    assert chosen[:, [1, 3, 4]].float().mean(0).tolist() == pytest.approx([0.2] * 3, abs=0.03)
    assert (chosen[:, 1] & chosen[:, 4]).float().mean().item() == pytest.approx(0.04, abs=0.015)


def test_masking_leaves_the_ids_alone_and_obeys_the_seed(tokenizer_cfg):
    results = tokenized(tokenizer_cfg, CAPTION, 'red')
    before = results['token_ids'][0].clone()
    transform = MaskTokens(tokenizer_cfg, prob=0.5)
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(transform(dict(results))['masked_token_ids'])
    assert torch.equal(results['token_ids'][0], before)
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


def test_masking_refuses_bad_arguments(tokenizer_cfg):
    for prob in (0, 1, 15):
        with pytest.raises(ValueError, match='prob must be between 0 and 1'):
            MaskTokens(tokenizer_cfg, prob=prob)
    with pytest.raises(ValueError, match='mask token, but CLIPTokenizer has none'):
        MaskTokens(dict(type='CLIPTokenizer')).load()
    other = MaskTokens({**tokenizer_cfg, 'max_length': 4}, whole_word=True)
    with pytest.raises(ValueError, match='that of Tokenize'):
        other(tokenized(tokenizer_cfg, CAPTION))


def test_pack(tokenizer_cfg):
    img = draw(3)
    results = {**tokenized(tokenizer_cfg, 'red'), 'img': img, 'pid': 4, 'image_id': 2, 'sample_idx': 9, 'flip': True}
    packed = PackPersonInputs()(MaskTokens(tokenizer_cfg)(results))
    assert packed['inputs'].shape == (3, 60, 30) and packed['inputs'].dtype == torch.uint8
    assert packed['inputs'].is_contiguous() and np.array_equal(packed['inputs'].numpy().transpose(1, 2, 0), img)
    sample = packed['data_samples']
    assert isinstance(sample, PersonSample)
    assert (sample.pid, sample.image_id, sample.sample_idx, sample.captions) == (4, 2, 9, ['red'])
    assert set(sample.keys()) == {
        *('pid', 'image_id', 'sample_idx', 'img_path', 'captions', 'token_ids', 'masked_token_ids', 'mask_positions')
    }
    with pytest.raises(ValueError, match=r'x.png: the picture must be uint8 .* float32'):
        PackPersonInputs()({**results, 'img': img.astype(np.float32)})


def test_word_tokenizer_in_the_pipeline(tmp_path):
    results = tokenized(dict(type='WordTokenizer', vocab=['red']), 'red man')
    assert results['token_ids'][0].tolist() == [2, 1]
    assert shared_tokenizer(dict(type='WordTokenizer', vocab=['red'])).vocab_size == 3
