"""LUPerson-MLLM, MALS and SYNTH-PEDES in the layouts of their releases."""

import numpy as np
import pytest
from person_data import write_images, write_json
from said import listen

from mmt2ireid.datasets import MALS, SYNTHPEDES, AnnotationError, LUPersonMLLM

MLLM = ('Ts-qwen', 'Td-qwen', 'Ts-shikra', 'Td-shikra')


def write_pictures(root, paths):
    write_images(root, [{'file_path': path} for path in paths])


@pytest.fixture
def mllm(tmp_path):
    """Four pictures in two folders; other folders in the keys; one picture has no caption, one name no picture."""
    write_pictures(tmp_path / 'LUPerson-MLLM', ['a.jpg', 'part2/b.jpg', 'c.jpg', 'unnamed.jpg'])
    for number, name in enumerate(MLLM):
        texts = {f'some/where/{number}/{key}.jpg': f'{name} on {key}' for key in 'bac'[: 2 + number % 2]}
        write_json(tmp_path / f'{name}.json', {**texts, 'some/where/gone.jpg': f'{name} on gone'})
    return tmp_path


def infos(dataset):
    return [dataset.get_data_info(number) for number in range(len(dataset))]


def test_four_files_are_joined_by_the_name_of_the_picture(mllm, monkeypatch):
    said = listen(monkeypatch, 'luperson_mllm')
    dataset = LUPersonMLLM(data_root=str(mllm), unit='image')
    found = {info['img_path']: info['captions'] for info in infos(dataset)}
    assert found == {
        f'{mllm}/LUPerson-MLLM/part2/b.jpg': [f'{name} on b' for name in MLLM],
        f'{mllm}/LUPerson-MLLM/a.jpg': [f'{name} on a' for name in MLLM],
        f'{mllm}/LUPerson-MLLM/c.jpg': [f'{name} on c' for name in MLLM[1::2]],
    }
    assert (dataset.num_pids, set(dataset.pids)) == (0, {-1})
    assert said == [
        '4 files of LUPerson-MLLM: 3 pictures with 10 captions; left out: 1 names without a picture, '
        '1 pictures without a caption'
    ]


def test_some_of_the_files_do(mllm):
    assert len(LUPersonMLLM(data_root=str(mllm), ann_file='T?-qwen.json')) == 5
    assert len(LUPersonMLLM(data_root=str(mllm), ann_file=['Ts-qwen.json', 'Ts-shikra.json'])) == 4
    (mllm / 'Td-shikra.json').unlink()
    with pytest.raises(FileNotFoundError, match=r'no file .*Td-shikra.json: expected .* of LUPerson-MLLM'):
        LUPersonMLLM(data_root=str(mllm))


def test_what_language_models_leave_behind(mllm, monkeypatch):
    said = listen(monkeypatch, 'luperson_mllm')
    texts = {'x/a.jpg': 'a [hair description] man', 'y/b.jpg': 'in <color> shoes', 'c.jpg': ' ', 'd/c.jpg': 'a man'}
    write_json(mllm / 'Ts-qwen.json', texts)
    dataset = LUPersonMLLM(data_root=str(mllm), ann_file='Ts-qwen.json')
    assert [(info['img_path'].rsplit('/')[-1], info['captions']) for info in infos(dataset)] == [('c.jpg', ['a man'])]
    assert '1 records have the file name of an earlier one' in said[0]
    assert '1 empty captions' in said[1] and '2 captions with pieces of a template' in said[1]
    assert '3 pictures without a caption' in said[1]
    kept = LUPersonMLLM(data_root=str(mllm), ann_file='Ts-qwen.json', keep_leftovers=True)
    assert kept.all_captions() == ['a [hair description] man', 'in <color> shoes', 'a man']


def test_two_pictures_of_one_name_are_counted(mllm, monkeypatch):
    said = listen(monkeypatch, 'luperson_mllm')
    write_pictures(mllm / 'LUPerson-MLLM', ['part3/a.jpg'])
    dataset = LUPersonMLLM(data_root=str(mllm), unit='image')
    assert f'{mllm}/LUPerson-MLLM/a.jpg' in [info['img_path'] for info in infos(dataset)]
    assert '1 pictures with the name of another' in said[0]


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([{'a.jpg': 'a man'}], 'expected captions of LUPerson-MLLM, an object .* but it holds a JSON list'),
        ({}, 'an empty dict'),
        ({'a.jpg': ['a man']}, r"Ts-qwen.json, record 'a.jpg': expected a caption, but got \['a man'\]"),
        ({'a.jpg': 'a \ud800 man'}, "record 'a.jpg': expected Unicode text"),
    ],
)
def test_bad_captions_are_named(mllm, content, message):
    write_json(mllm / 'Ts-qwen.json', content)
    with pytest.raises(AnnotationError, match=message):
        LUPersonMLLM(data_root=str(mllm))


def test_no_pictures_at_all(mllm):
    with pytest.raises(FileNotFoundError, match=r'that the captions name, such as b.jpg, is below .*/nowhere'):
        LUPersonMLLM(data_root=str(mllm), data_prefix=dict(img_path='nowhere'))


def label(seed):
    return np.random.default_rng(seed).integers(-1, 2, 27).tolist()


def mals_records(part, num=3):
    return [
        {'image': f'gene_crop/{part}/{n}.jpg', 'caption': f'a man {n}', 'image_id': f'{part}_{n}', 'label': label(n)}
        for n in range(num)
    ]


@pytest.fixture
def mals(tmp_path):
    (tmp_path / 'gene_attrs').mkdir()
    for part in ('c_g_a_0', 'i_g_a_1'):
        records = mals_records(part)
        write_images(tmp_path, records, 'image')
        write_json(tmp_path / 'gene_attrs' / f'g_{part}_attrs.json', records)
    return tmp_path


def test_mals(mals, monkeypatch):
    said = listen(monkeypatch, 'annotations')
    dataset = MALS(data_root=str(mals))
    assert (len(dataset), dataset.num_images, dataset.num_pids) == (6, 6, 0)
    info = dataset.get_data_info(4)
    assert (info['img_path'], info['captions']) == (f'{mals}/gene_crop/i_g_a_1/1.jpg', ['a man 1'])
    assert dataset.attributes.dtype == np.int8
    assert dataset.attributes.tolist() == [label(n) for n in (0, 1, 2, 0, 1, 2)]
    assert len(MALS(data_root=str(mals), ann_file='gene_attrs/g_c_g_a_0_attrs.json')) == 3
    assert not said  # a caption alone is how this release writes them


def test_a_part_of_mals_that_is_missing_is_named(mals):
    (mals / 'gene_crop' / 'i_g_a_1').rename(mals / 'elsewhere')
    with pytest.raises(FileNotFoundError, match=r'gene_crop lacks 1 of the 2 folders .* i_g_a_1 \(3 images\)'):
        MALS(data_root=str(mals))


def test_an_image_in_two_files_is_told(mals, monkeypatch):
    said = listen(monkeypatch, 'joined_records')
    write_json(mals / 'gene_attrs' / 'g_more_attrs.json', mals_records('c_g_a_0', 1))
    dataset = MALS(data_root=str(mals))
    assert len(said) == 1 and '1 record names an image that an earlier record names too' in said[0]
    assert dataset.num_images == len(dataset.attributes) == 6


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(label=[0] * 26), "field 'label': expected 27 integers"),
        (dict(label=[0] * 26 + [2]), "field 'label': expected 27 integers"),
        (dict(label=[0] * 26 + [True]), "field 'label': expected 27 integers"),
        (dict(label=None), "field 'label': expected 27 integers"),
        (dict(caption=''), "field 'caption': expected text as caption 0"),
        (dict(image=3), "field 'image': expected the path"),
    ],
)
def test_bad_records_of_mals_are_named(mals, changes, message):
    file = mals / 'gene_attrs' / 'g_c_g_a_0_attrs.json'
    records = mals_records('c_g_a_0')
    records[1].update(changes)
    write_json(file, records)
    with pytest.raises(AnnotationError, match=message) as caught:
        MALS(data_root=str(mals))
    assert f'{file}, record 1' in str(caught.value)


def test_cuhk_in_the_place_of_mals_is_told(mals):
    write_json(mals / 'gene_attrs' / 'g_c_g_a_0_attrs.json', [{'file_path': 'a.jpg', 'captions': ['a man']}])
    with pytest.raises(AnnotationError, match=r"the field 'image' of MALS.* as in CUHK-PEDES"):
        MALS(data_root=str(mals))


def synth_records():
    return [
        {
            'id': pid,
            'file_path': f'Part{1 + pid % 2}/{pid}/{image}.jpg',
            'attributes': ['man,black hair,black shirt,pink shorts,black shoes,unknown'],
            'captions': [f'caption {n} of {pid}' for n in range(2 + image)],
            'prompt_caption': [f'prompt of {pid}'],
        }
        for pid in (7, 3, 12)
        for image in range(2)
    ]


@pytest.fixture
def synth(tmp_path):
    write_images(tmp_path, synth_records())
    write_json(tmp_path / 'synthpedes_dataset.json', synth_records())
    return tmp_path


@pytest.mark.parametrize('name', ['synthpedes_dataset.json', 'synthpedes-dataset.json'])
def test_synth_pedes_in_both_spellings(synth, name):
    (synth / 'synthpedes_dataset.json').rename(synth / name)
    dataset = SYNTHPEDES(data_root=str(synth))
    assert (dataset.num_pids, dataset.num_images, len(dataset)) == (3, 6, 15)
    assert dataset.pids.tolist() == [1] * 5 + [0] * 5 + [2] * 5
    info = dataset.get_data_info(4)
    assert (info['img_path'], info['captions']) == (f'{synth}/Part2/7/1.jpg', ['caption 2 of 7'])
    more = SYNTHPEDES(data_root=str(synth), prompt_captions=True, unit='image')
    assert more.num_captions == 21 and more.get_data_info(2)['captions'][-1] == 'prompt of 3'
    assert more.pids.tolist() == [7, 7, 3, 3, 12, 12]


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [('id', 'seven', "field 'id'"), ('captions', [], "field 'captions'"), ('prompt_caption', [3], "'prompt_caption'")],
)
def test_bad_records_of_synth_pedes_are_named(synth, key, value, message):
    records = synth_records()
    records[2][key] = value
    write_json(synth / 'synthpedes_dataset.json', records)
    with pytest.raises(AnnotationError, match=message) as caught:
        SYNTHPEDES(data_root=str(synth), prompt_captions=True)
    assert 'record 2' in str(caught.value)


def test_a_part_of_synth_pedes_that_is_missing_is_named(synth):
    (synth / 'Part2').rename(synth / 'elsewhere')
    with pytest.raises(FileNotFoundError, match=r'Part2 \(4 images\)'):
        SYNTHPEDES(data_root=str(synth))
