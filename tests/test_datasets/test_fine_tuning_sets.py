"""UFine6926 and IIITD-20K in the layouts of their releases."""

import pytest
from person_data import make_records, write_images, write_json
from said import listen

from mmt2ireid.datasets import IIITD20K, AnnotationError, UFine6926


@pytest.fixture
def ufine(tmp_path):
    records = make_records(12, 2, folder='images') + make_records(5, 2, 'test', first_id=13, folder='images')
    for record in records:
        del record['processed_tokens']
        record['captions'] = [caption + ' word' * 80 for caption in record['captions']]
    write_images(tmp_path, records)
    write_json(tmp_path / 'data_captions.json', records)
    return tmp_path


def test_ufine(ufine):
    train = UFine6926(data_root=str(ufine), holdout_ids=4)
    val, test = (UFine6926(data_root=str(ufine), split=s, unit='image', holdout_ids=4) for s in ('val', 'test'))
    assert (train.num_pids, len(train), len(val), len(test)) == (8, 32, 8, 10)
    assert len(set(val.pids)) == 4 and set(test.pids) == set(range(13, 18))
    assert train.get_data_info(0)['img_path'].startswith(f'{ufine}/images/')


def test_the_only_json_file_is_taken(ufine):
    (ufine / 'other.json').write_text('[]')
    with pytest.raises(FileNotFoundError, match=r'UFine6926.json of UFine6926.*data_captions.json.*other.json'):
        UFine6926(data_root=str(ufine))
    assert len(UFine6926(data_root=str(ufine), ann_file='data_captions.json', holdout_ids=0)) == 48


def iiitd_records(num=10):
    return {
        str(n): {
            'Image ID': f'picture{n}',
            'Image URL': f'https://example.org/{n}',
            'Description 1': f'first of {n}',
            'Description 2': f'second of {n}',
        }
        for n in range(num)
    }


@pytest.fixture
def iiitd(tmp_path):
    paths = [f'IIITD-20K/picture{n}.{"jpg" if n % 2 else "jpeg"}' for n in range(10)]
    write_images(tmp_path, [{'file_path': path} for path in paths])
    write_json(tmp_path / 'Filtered.json', iiitd_records())
    return tmp_path


def test_iiitd(iiitd, monkeypatch):
    said = listen(monkeypatch, 'iiitd20k')
    dataset = IIITD20K(data_root=str(iiitd))
    assert (dataset.num_pids, dataset.num_images, len(dataset)) == (10, 10, 20)
    info = dataset.get_data_info(7)
    assert (info['img_path'], info['captions']) == (f'{iiitd}/IIITD-20K/picture3.jpg', ['second of 3'])
    assert dataset.get_data_info(8)['img_path'].endswith('picture4.jpeg')
    assert dataset.pids.tolist() == [n // 2 for n in range(20)] and not said
    everything = IIITD20K(data_root=str(iiitd), split='test', unit='image')
    assert len(everything) == 10


def test_iiitd_in_parts(iiitd):
    parts = {
        split: IIITD20K(data_root=str(iiitd), split=split, unit='image', sizes=(7, 1, 2))
        for split in ('train', 'val', 'test')
    }
    assert {split: part.pids.tolist() for split, part in parts.items()} == {
        'train': list(range(7)),
        'val': [7],
        'test': [8, 9],
    }
    with pytest.raises(ValueError, match='sizes must add up to the 10 records'):
        IIITD20K(data_root=str(iiitd), sizes=(7, 1, 1))
    with pytest.raises(ValueError, match="sizes must leave something for split='val'"):
        IIITD20K(data_root=str(iiitd), split='val', unit='image', sizes=(8, 0, 2))
    with pytest.raises(ValueError, match='sizes must be None or three numbers'):
        IIITD20K(data_root=str(iiitd), sizes=(10,))


def test_missing_pictures_are_counted(iiitd, monkeypatch):
    said = listen(monkeypatch, 'iiitd20k')
    (iiitd / 'IIITD-20K' / 'picture3.jpg').unlink()
    load = [dict(type='mmt2ireid.LoadPersonImage')]
    dataset = IIITD20K(data_root=str(iiitd), pipeline=load, on_bad_image='skip')
    assert len(said) == 1 and '1 of 10 records have no picture, such as picture3.jpeg' in said[0]
    assert dataset[6]['sample_idx'] == 8 and dataset.num_skipped == 1
    for picture in (iiitd / 'IIITD-20K').iterdir():
        picture.unlink()
    with pytest.raises(FileNotFoundError, match='none of the first images of IIITD-20K'):
        IIITD20K(data_root=str(iiitd))


@pytest.mark.parametrize(
    ('records', 'message'),
    [
        ([], 'expected the annotations of IIITD-20K, an object of records, but it holds a JSON list'),
        ({'0': 'a man'}, "record '0': expected an object of IIITD-20K, but got str"),
        ({'zero': iiitd_records(1)['0']}, "record 'zero': expected a number"),
        ({'0': {'Image ID': 'a', 'Description 1': 'b'}}, r"expected the fields \['Description 2'\]"),
        ({'0': {**iiitd_records(1)['0'], 'Description 2': ' '}}, r"record '0' \(picture0\), field 'Description 2'"),
        ({'0': {**iiitd_records(1)['0'], 'Image ID': '../a'}}, "field 'Image ID': expected the name of a picture"),
    ],
)
def test_bad_records_of_iiitd_are_named(iiitd, records, message):
    write_json(iiitd / 'Filtered.json', records)
    with pytest.raises(AnnotationError, match=message):
        IIITD20K(data_root=str(iiitd))
