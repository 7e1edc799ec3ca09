import os
import pickle
import re

import cv2
import numpy as np
import pytest
from person_data import draw, write_json

from mmt2ireid.datasets import AnnotationError, BadImageError, LUPersonT

pa = pytest.importorskip('pyarrow')
NUM = 23


def encode(number):
    return cv2.imencode('.png', draw(number))[1].tobytes()


def make_rows(num=NUM, start=0):
    captions = [[f'word{n % 30} caption {c}' for c in range(1 + n % 3)] for n in range(start, start + num)]
    return {
        'image': [encode(n) for n in range(start, start + num)],
        'caption': captions,
        'image_id': list(range(start, start + num)),
        'split': ['train'] * num,
    }


def write_arrow(path, rows, form='file', batch=5, compression=None):
    table = pa.table(rows)
    options = pa.ipc.IpcWriteOptions(compression=compression)
    make = pa.ipc.new_file if form == 'file' else pa.ipc.new_stream
    with pa.OSFile(str(path), 'wb') as sink, make(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=batch)


@pytest.fixture
def both(tmp_path):
    """The same persons as JSON with files, and as Arrow."""
    rows = make_rows()
    (tmp_path / 'imgs').mkdir()
    for number, content in enumerate(rows['image']):
        (tmp_path / 'imgs' / f'{number}.png').write_bytes(content)
    write_json(
        tmp_path / 'captions.json',
        [{'file_path': f'{number}.png', 'captions': captions} for number, captions in enumerate(rows['caption'])],
    )
    write_arrow(tmp_path / 'LUPerson_train.arrow', rows)
    return tmp_path


def test_names_that_lead_out_of_the_image_folder_are_refused(tmp_path):
    rows = make_rows(3)
    write_arrow(
        tmp_path / 'a.arrow',
        {**rows, 'image': pa.array([None] * 3, pa.binary()), 'image_id': ['x/./0.png', '/etc/hostname', '../2']},
    )
    dataset = LUPersonT(data_root=str(tmp_path), ann_file='a.arrow')
    assert dataset.get_data_info(0)['img_path'] == f'{tmp_path}/x/0.png'
    for index in (1, 3):
        with pytest.raises(AnnotationError, match=r"a\.arrow#\d, column 'image_id': expected images within"):
            dataset.get_data_info(index)
    dataset = LUPersonT(data_root=str(tmp_path), ann_file='a.arrow', allow_outside=True)
    assert dataset.get_data_info(1)['img_path'] == '/etc/hostname'


def pipeline(tokenizer_cfg):
    return [
        dict(type='mmt2ireid.LoadPersonImage'),
        dict(type='mmt2ireid.Tokenize', tokenizer=tokenizer_cfg),
        dict(type='mmt2ireid.PackPersonInputs'),
    ]


def same(a, b):
    assert (a['inputs'] == b['inputs']).all()
    a, b = a['data_samples'].to_dict(), b['data_samples'].to_dict()
    assert a.keys() == b.keys()
    for name in a.keys() - {'img_path', 'token_ids'}:
        assert a[name] == b[name]
    assert [ids.tolist() for ids in a['token_ids']] == [ids.tolist() for ids in b['token_ids']]


@pytest.mark.parametrize('unit', ['pair', 'image'])
def test_arrow_and_json_give_equal_items(both, tokenizer_cfg, unit):
    args = dict(data_root=str(both), unit=unit, pipeline=pipeline(tokenizer_cfg))
    from_json = LUPersonT(ann_file='captions.json', data_prefix=dict(img_path='imgs'), **args)
    from_arrow = LUPersonT(ann_file='LUPerson_train.arrow', **args)
    num_captions = sum(1 + n % 3 for n in range(NUM))
    assert len(from_json) == len(from_arrow) == (num_captions if unit == 'pair' else NUM)
    assert from_json.num_captions == from_arrow.num_captions == num_captions
    assert from_json.num_images == from_arrow.num_images == NUM
    for index in range(len(from_json)):
        same(from_json[index], from_arrow[index])
    assert from_arrow[0]['data_samples'].img_path == f'{both}/LUPerson_train.arrow#0'
    assert from_arrow.num_pids == 0 and set(from_arrow.pids) == {-1}


@pytest.mark.parametrize('form', ['file', 'stream'])
def test_several_files_are_numbered_through(tmp_path, form):
    write_arrow(tmp_path / 'LUPerson_train.arrow', make_rows(7), form)
    write_arrow(tmp_path / 'LUPerson_val.arrow', make_rows(6, start=7), form, batch=4)
    expected = make_rows(13)
    patterns = dict(ann_file='LUPerson_*.arrow'), dict(ann_file=['LUPerson_train.arrow', 'LUPerson_val.arrow'])
    for args in patterns:
        dataset = LUPersonT(data_root=str(tmp_path), unit='image', **args)
        assert len(dataset) == 13
        infos = [dataset.get_data_info(i) for i in range(13)]
        assert [info['img_bytes'] for info in infos] == expected['image']
        assert [info['captions'] for info in infos] == expected['caption']
        assert [re.sub(r'.*LUPerson_', '', info['img_path']) for info in infos[5:9]] == [
            *('train.arrow#5', 'train.arrow#6', 'val.arrow#0', 'val.arrow#1')
        ]


def test_first_images_only(both):
    for ann_file in ('captions.json', 'LUPerson_train.arrow'):
        prefix = dict(img_path='imgs')
        dataset = LUPersonT(data_root=str(both), ann_file=ann_file, data_prefix=prefix, max_images=4)
        assert (dataset.num_images, len(dataset)) == (4, 1 + 2 + 3 + 1)


def test_pickling_leaves_the_open_file_behind(both):
    dataset = LUPersonT(data_root=str(both))
    dataset.get_data_info(0)
    data = pickle.dumps(dataset)
    assert len(data) < 20_000
    assert pickle.loads(data).get_data_info(30) == dataset.get_data_info(30)


def test_workers_read_the_mapped_file(both, tokenizer_cfg):
    from torch.utils.data import DataLoader

    dataset = LUPersonT(data_root=str(both), pipeline=pipeline(tokenizer_cfg))
    alone = list(DataLoader(dataset, batch_size=4, collate_fn=list))
    shared = list(DataLoader(dataset, batch_size=4, collate_fn=list, num_workers=2))
    for one, other in zip(alone, shared, strict=True):
        for a, b in zip(one, other, strict=True):
            same(a, b)


def _anonymous_kib():
    with open('/proc/self/status') as file:
        return int(re.search(r'RssAnon:\s+(\d+)', file.read())[1])


@pytest.mark.skipif(not os.path.exists('/proc/self/status'), reason='needs /proc')
def test_mapped_file_stays_out_of_memory(tmp_path):
    rng = np.random.default_rng(0)
    blob = 64 * 1024
    rows = {'image': [rng.bytes(blob) for _ in range(1000)], 'caption': [['a man']] * 1000}
    write_arrow(tmp_path / 'LUPerson_train.arrow', rows, batch=100)
    expected = rows['image'][999]
    del rows
    dataset = LUPersonT(data_root=str(tmp_path))
    dataset.get_data_info(0)
    before = _anonymous_kib()
    for index in range(1000):
        info = dataset.get_data_info(index)
    assert info['img_bytes'] == expected
    assert _anonymous_kib() - before < 8 * 1024
    assert pa.total_allocated_bytes() < 8 * 2**20


def test_compressed_file_is_read_and_reported(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmt2ireid.datasets.arrow_store.print_log', lambda message, **_: said.append(message))
    rows = {'image': [bytes(300_000)] * 10, 'caption': [['a man']] * 10}
    write_arrow(tmp_path / 'LUPerson_train.arrow', rows, compression='zstd')
    assert len(LUPersonT(data_root=str(tmp_path))) == 10
    assert len(said) == 1 and 'compressed' in said[0]


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ({'image': [b'x'], 'text': [['a']]}, r"expected the columns .*'text'"),
        ({'image': ['x'], 'caption': [['a']]}, "column 'image': expected encoded images as binary, but it is string"),
        ({'image': [b'x'], 'caption': ['a']}, "column 'caption': expected a list of strings, but it is string"),
        ({'image': [b'x'] * 7, 'caption': [['a']] * 6 + [[]]}, "row 6, column 'caption': expected a list of texts"),
        ({'image': [b'x'] * 7, 'caption': [['a'], ['b', '']] + [['a']] * 5}, "row 1, column 'caption'"),
        ({'image': [b'x'] * 3, 'caption': [['a'], None, ['c']]}, "row 1, column 'caption'"),
    ],
)
def test_bad_table_is_named(tmp_path, rows, message):
    write_arrow(tmp_path / 'bad.arrow', rows)
    with pytest.raises(AnnotationError, match=message) as caught:
        LUPersonT(data_root=str(tmp_path), ann_file='bad.arrow')
    assert 'bad.arrow' in str(caught.value)


def test_blank_caption_is_named_when_read(tmp_path):
    write_arrow(tmp_path / 'a.arrow', {'image': [b'x'] * 2, 'caption': [['a'], ['b', '  ']]})
    dataset = LUPersonT(data_root=str(tmp_path), ann_file='a.arrow')
    with pytest.raises(AnnotationError, match=r"a.arrow#1, column 'caption': expected text as caption 1"):
        dataset.get_data_info(2)


def test_null_image_is_a_bad_image(tmp_path):
    write_arrow(tmp_path / 'a.arrow', {'image': [encode(0), None], 'caption': [['a']] * 2})
    load = [dict(type='mmt2ireid.LoadPersonImage')]
    with pytest.raises(BadImageError, match=r'a.arrow#1 is empty'):
        LUPersonT(data_root=str(tmp_path), ann_file='a.arrow', pipeline=load)[1]
    skipping = LUPersonT(data_root=str(tmp_path), ann_file='a.arrow', pipeline=load, on_bad_image='skip')
    assert skipping[1]['sample_idx'] == 0 and skipping.num_skipped == 1


@pytest.mark.parametrize('content', [b'', b'ARROW1 and then nothing', b'{"a": 1}', b'\xff' * 64])
def test_file_that_is_no_arrow_is_named(tmp_path, content):
    (tmp_path / 'bad.arrow').write_bytes(content)
    with pytest.raises(AnnotationError, match=r'bad.arrow: expected an Arrow IPC file'):
        LUPersonT(data_root=str(tmp_path), ann_file='bad.arrow')


def test_truncated_arrow_is_named(tmp_path):
    for form in ('file', 'stream'):
        write_arrow(tmp_path / 'cut.arrow', make_rows(), form)
        content = (tmp_path / 'cut.arrow').read_bytes()
        (tmp_path / 'cut.arrow').write_bytes(content[: len(content) // 2])
        with pytest.raises(AnnotationError, match=r'cut.arrow'):
            LUPersonT(data_root=str(tmp_path), ann_file='cut.arrow')


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'LUPerson_\*.arrow'):
        LUPersonT(data_root=str(tmp_path), ann_file='LUPerson_*.arrow')
    with pytest.raises(FileNotFoundError, match=r'captions.json of LUPerson-T'):
        LUPersonT(data_root=str(tmp_path), ann_file='captions.json')


@pytest.mark.parametrize('ann_file', ['a.csv', ['a.json', 'b.json'], ['a.json', 'b.arrow'], []])
def test_wrong_kind_of_file_is_refused(ann_file):
    with pytest.raises(ValueError, match='ann_file must be'):
        LUPersonT(ann_file=ann_file, lazy_init=True)
