import pickle

import numpy as np
import pytest
from person_data import make_records, write_images, write_json
from said import listen

from mmt2ireid.datasets import CUHKPEDES, ICFGPEDES, AnnotationError, LUPersonT
from mmt2ireid.datasets.noisy_pairs import read_order

NUM = 50  # pairs of the fixture's train split: one image has four captions


@pytest.fixture
def noisy(cuhk):
    cuhk.records[3]['captions'] = [f'word{n} of four' for n in range(4)]
    write_json(cuhk.root / 'reid_raw.json', cuhk.records)
    return cuhk


def pairs_of(records):
    """(path, identity, caption) of all training pairs, as a loop over the file lists them."""
    return [
        (record['file_path'], record['id'], caption)
        for record in records
        if record['split'] == 'train'
        for caption in record['captions']
    ]


def loaded(dataset):
    infos = [dataset.get_data_info(number) for number in range(len(dataset))]
    return [(info['img_path'].split('imgs/')[1], info['pid'] + 1, info['captions'][0]) for info in infos]


def partly_shuffled(seed=0):
    order, rng = np.arange(NUM), np.random.default_rng(seed)
    chosen = rng.permutation(NUM)[:20]
    order[chosen] = np.roll(chosen, 1)
    return order


def test_images_keep_their_place_and_get_the_captions_that_the_file_says(noisy, monkeypatch):
    said = listen(monkeypatch, 'noisy_pairs')
    order, pairs = partly_shuffled(), pairs_of(noisy.records)
    np.save(noisy.root / 'CUHK-PEDES_0.4.npy', order)
    dataset = CUHKPEDES(data_root=str(noisy.root), noise=dict(file='CUHK-PEDES_0.4.npy'))
    assert len(pairs) == len(dataset) == NUM
    expected = [(path, pid, pairs[order[number]][2]) for number, (path, pid, _) in enumerate(pairs)]
    assert loaded(dataset) == expected
    assert dataset.caption_source.tolist() == order.tolist()
    assert dataset.is_noisy.tolist() == [int(source) != number for number, source in enumerate(order)]
    same = sum(pairs[order[n]][1] == pairs[n][1] for n in range(NUM) if order[n] != n)
    assert said == [
        f'{noisy.root}/reid_raw.json: 20 of 50 pairs (40.0%) are noisy, with the caption of another pair; that of '
        f'{same} is of the same identity all the same'
    ]


def test_without_noise_every_pair_is_its_own(noisy):
    dataset = CUHKPEDES(data_root=str(noisy.root))
    assert loaded(dataset) == pairs_of(noisy.records)
    assert dataset.caption_source.tolist() == list(range(NUM)) and not dataset.is_noisy.any()


@pytest.mark.parametrize('rate', [0, 0.2, 0.5, 1])
def test_a_share_of_the_pairs_is_drawn(noisy, rate):
    dataset = CUHKPEDES(data_root=str(noisy.root), noise=dict(rate=rate))
    order = dataset.caption_source
    assert sorted(order) == list(range(NUM))
    assert int(rate * NUM) - 5 <= dataset.is_noisy.sum() <= rate * NUM
    assert sorted(caption for _, _, caption in loaded(dataset)) == sorted(
        text for _, _, text in pairs_of(noisy.records)
    )


def test_a_draw_depends_on_its_seed_only(noisy):
    def source(**noise):
        return CUHKPEDES(data_root=str(noisy.root), noise=dict(rate=0.5, **noise)).caption_source.tolist()

    assert source() == source(seed=0) != source(seed=1)
    rng = np.random.RandomState(0)
    chosen, expected = rng.permutation(NUM)[:25], np.arange(NUM)
    expected[chosen] = rng.permutation(chosen)
    assert source() == expected.tolist()


def test_images_with_their_captions_are_those_of_the_pairs(noisy):
    """So that clustering the images of a noisy set sees what is trained on."""
    args = dict(data_root=str(noisy.root), noise=dict(rate=0.5))
    images, pairs = CUHKPEDES(unit='image', **args), CUHKPEDES(**args)
    assert images.all_captions() == pairs.all_captions() == [caption for _, _, caption in loaded(pairs)]
    with pytest.raises(ValueError, match="unit must be 'pair'"):
        images.is_noisy  # noqa: B018


def test_parts_of_a_noisy_set_know_what_is_noisy(noisy):
    args = dict(data_root=str(noisy.root), noise=dict(rate=0.5))
    whole, first = CUHKPEDES(**args), CUHKPEDES(max_images=5, **args)
    assert first.caption_source.tolist() == whole.caption_source[: len(first)].tolist() and len(first) == 12
    some = pickle.loads(pickle.dumps(whole.get_subset([40, 3, 7])))
    assert some.is_noisy.tolist() == whole.is_noisy[[40, 3, 7]].tolist()
    assert some.caption_source.tolist() == whole.caption_source[[40, 3, 7]].tolist()


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (np.arange(NUM - 1), r'it has the shape \(49,\)\. .*hold none out'),
        (np.arange(NUM)[None], r'it has the shape \(1, 50\)'),
        (np.arange(NUM) / 1.0, 'it holds float64'),
        (np.zeros(NUM, dtype=np.int64), 'a pair is missing or stands there twice'),
        (np.arange(1, NUM + 1), 'a pair is missing'),
        (np.array([{}] * NUM), 'it is no array'),
        (b'', 'it is no array'),
        (b'not an array', 'it is no array'),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, message):
    file = tmp_path / 'CUHK-PEDES_0.2.npy'
    file.write_bytes(content) if isinstance(content, bytes) else np.save(file, content, allow_pickle=True)
    with pytest.raises(AnnotationError, match=message) as caught:
        read_order(str(file), NUM)
    assert str(file) in str(caught.value) and 'the 50 training pairs' in str(caught.value)


def test_a_missing_file_is_named(noisy):
    with pytest.raises(FileNotFoundError, match=r'no file .*/x.npy: expected a permutation of noisy pairs'):
        CUHKPEDES(data_root=str(noisy.root), noise=dict(file='x.npy'))


@pytest.mark.parametrize(
    'noise',
    [
        {},
        dict(file='a.npy', rate=0.2),
        dict(seed=1),
        dict(rate=1.2),
        dict(rate=-0.1),
        dict(rate='0.2'),
        dict(share=0.2),
    ],
)
def test_bad_options_are_refused(noise):
    with pytest.raises(ValueError, match='noise'):
        CUHKPEDES(noise=noise, lazy_init=True)


def test_only_training_has_noise():
    with pytest.raises(ValueError, match="noise must be None for split='test'"):
        CUHKPEDES(split='test', unit='image', noise=dict(rate=0.2), lazy_init=True)
    with pytest.raises(ValueError, match='noise must be None for Arrow files'):
        LUPersonT(noise=dict(rate=0.2), lazy_init=True)


def test_a_file_counts_the_identities_that_are_held_out_as_well(tmp_path):
    records = make_records(12, 2, first_id=0)
    write_images(tmp_path / 'imgs', records)
    write_json(tmp_path / 'ICFG-PEDES.json', records)
    np.save(tmp_path / 'ICFG-PEDES_0.2.npy', np.roll(np.arange(48), 1))
    args = dict(data_root=str(tmp_path), noise=dict(file='ICFG-PEDES_0.2.npy'))
    assert ICFGPEDES(holdout_ids=0, **args).is_noisy.all()
    with pytest.raises(AnnotationError, match='hold none out'):
        ICFGPEDES(holdout_ids=2, **args)
