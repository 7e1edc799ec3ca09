"""Small copies of the releases, as their authors hand them out, for the doctor to look at."""

import dataclasses
import json
from types import SimpleNamespace

import cv2
import numpy as np
from person_data import draw, make_records, write_images, write_json

from mmt2ireid.datasets.doctor import RELEASES, Counts

FOLDERS = ('CUHK01', 'CUHK03', 'Market', 'cam_a', 'cam_b', 'test_query', 'train_query')
WORDS = 'a woman with long hair wears a grey coat and walks along the street'


def caption(number, part=0):
    return f'{WORDS} with bag number{number} in hand{part}'


def count(records):
    """Official counts of these records, by a loop of its own."""
    found = {}
    for split in dict.fromkeys(record['split'] for record in records):
        own = [record for record in records if record['split'] == split]
        captions = sum(len(record['captions']) for record in own)
        found[split] = Counts(len({record['id'] for record in own}), len(own), captions)
    return found


def finish(root, name, records, monkeypatch, path_key='file_path', ann_file='reid_raw.json', **changes):
    """Writes a copy and makes its counts the official ones."""
    root.mkdir()
    write_images(root / 'imgs', records, path_key)
    write_json(root / ann_file, records)
    release = dataclasses.replace(RELEASES[name], counts=count(records), **changes)
    monkeypatch.setitem(RELEASES, name, release)
    return SimpleNamespace(root=root, records=records, ann_file=root / ann_file, name=name, path_key=path_key)


def make_cuhk(tmp_path, monkeypatch):
    """21 training identities of 2 images, 7 to validate and 7 to test; jpg, png and bmp; one image has ten captions."""
    records = make_records(21, 2) + make_records(7, 2, 'val', first_id=22) + make_records(7, 2, 'test', first_id=29)
    for number, record in enumerate(records):
        ending = ('jpg', 'png', 'bmp')[number % 3]
        record['file_path'] = f'{FOLDERS[number // 2 % 7]}/{number:04}.{ending}'
        record['captions'] = [caption(number, part) for part in range(2)]
    records[-1]['captions'] = [caption(70, part) for part in range(10)]
    return finish(tmp_path / 'CUHK-PEDES', 'CUHK-PEDES', records, monkeypatch, extra_captions=1)


def make_icfg(tmp_path, monkeypatch):
    """12 training identities of 2 images, 5 to test, one caption each; MSMT17's folders are not the splits."""
    records = make_records(12, 2, first_id=0, folder='test') + make_records(5, 2, 'test', 12, folder='train')
    records[0]['file_path'] = records[0]['file_path'].replace('test/', 'train/')
    for number, record in enumerate(records):
        record['captions'] = [caption(number)]
    return finish(tmp_path / 'ICFG-PEDES', 'ICFG-PEDES', records, monkeypatch, ann_file='ICFG-PEDES.json')


def make_rstp(tmp_path, monkeypatch):
    """6 training identities of 5 images, 2 to validate and 2 to test."""
    records = make_records(6, 5, first_id=0, path_key='img_path')
    records += make_records(2, 5, 'val', 6, path_key='img_path') + make_records(2, 5, 'test', 8, path_key='img_path')
    for number, record in enumerate(records):
        del record['processed_tokens']
        record['img_path'] = f'{record["id"]:04}_c{number % 15}_{number:04}.jpg'
        record['captions'] = [caption(number, part) for part in range(2)]
    return finish(
        tmp_path / 'RSTPReid', 'RSTPReid', records, monkeypatch, 'img_path', 'data_captions.json', withdrawn={}
    )


def make_lupt(tmp_path, monkeypatch):
    """The four Arrow files, 12 rows in all."""
    root = tmp_path / 'LUPerson-T'
    root.mkdir()
    for start, part in enumerate(('train', 'val', 'restval', 'test')):
        write_rows(root / f'LUPerson_{part}.arrow', start)
    monkeypatch.setitem(RELEASES, 'LUPerson-T', dataclasses.replace(RELEASES['LUPerson-T'], rough_images=12))
    return SimpleNamespace(root=root, name='LUPerson-T', ann_file=root / 'LUPerson_train.arrow')


def make_lupt_json(tmp_path, monkeypatch):
    """LUPerson-T's source: a JSON list, three images."""
    records = [{'file_path': f'a/{number}.png', 'captions': [caption(number)]} for number in range(3)]
    root = tmp_path / 'LUPerson-T'
    root.mkdir()
    write_images(root / 'imgs', records)
    write_json(root / 'captions.json', records)
    monkeypatch.setitem(RELEASES, 'LUPerson-T', dataclasses.replace(RELEASES['LUPerson-T'], rough_images=3))
    return SimpleNamespace(root=root, name='LUPerson-T', ann_file=root / 'captions.json', records=records)


def write_rows(path, start, image=True, captions=True):
    import pyarrow as pa

    pictures = [cv2.imencode('.jpg', draw(start + n))[1].tobytes() for n in range(3)]
    if not image:
        pictures[1] = None
    elif image == 'broken':
        pictures[1] = pictures[1][:200]
    rows = {
        'image': pa.array(pictures, pa.binary()),
        'caption': [[caption(start + n)] if captions or n else [''] for n in range(3)],
        'image_id': [start + n for n in range(3)],
        'split': ['train'] * 3,
    }
    table = pa.table(rows)
    with pa.OSFile(str(path), 'wb') as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def enter(root, name, monkeypatch, ann_file, images=(), **changes):
    """Writes pictures and puts the copy's sizes into the table."""
    write_images(root, [{'file_path': path} for path in images])
    monkeypatch.setitem(RELEASES, name, dataclasses.replace(RELEASES[name], **changes))
    return SimpleNamespace(root=root, name=name, ann_file=root / ann_file)


def make_ufine(tmp_path, monkeypatch):
    """10 identities of 2 images, 3 of them to test."""
    records = make_records(7, 2) + make_records(3, 2, 'test', 8)
    for record in records:
        record['file_path'] = f'images/{record["id"]}_{record["file_path"][-5]}.jpg'
        record['captions'] = [caption(record['file_path'], part) for part in range(2)]
    write_json(tmp_path / 'UFine6926.json', records)
    paths = [record['file_path'] for record in records]
    return enter(tmp_path, 'UFine6926', monkeypatch, 'UFine6926.json', paths, total=Counts(10, 20, 40))


def make_synth(tmp_path, monkeypatch):
    """4 identities of 2 images in two parts, two or three captions."""
    records = []
    for n in range(8):
        captions = [caption(n, part) for part in range(2 + n % 2)]
        records.append({'id': n // 2, 'file_path': f'Part{1 + n // 4}/{n // 2}/{n}.jpg', 'captions': captions})
    write_json(tmp_path / 'synthpedes_dataset.json', records)
    paths = [record['file_path'] for record in records]
    return enter(tmp_path, 'SYNTH-PEDES', monkeypatch, 'synthpedes_dataset.json', paths, rough_images=8)


def make_mals(tmp_path, monkeypatch):
    """Two parts of three images, each with a file of its own."""
    (tmp_path / 'gene_attrs').mkdir()
    paths = []
    for part in (1, 2):
        own = [f'gene_crop/{part}/{n}.jpg' for n in range(3)]
        records = [
            {'image': path, 'caption': caption(path), 'image_id': f'{part}_{n}', 'label': [-1] * 27}
            for n, path in enumerate(own)
        ]
        write_json(tmp_path / 'gene_attrs' / f'g_{part}_attrs.json', records)
        paths += own
    return enter(tmp_path, 'MALS', monkeypatch, 'gene_attrs/g_1_attrs.json', paths, total=Counts(0, 6, 6))


def make_mllm(tmp_path, monkeypatch):
    """Four files of captions, the last without a picture that the others have."""
    for number, name in enumerate(('Ts-qwen', 'Td-qwen', 'Ts-shikra', 'Td-shikra')):
        write_json(tmp_path / f'{name}.json', {f'x/{n}.jpg': caption(n, number) for n in range(4 if number < 3 else 3)})
    paths = [f'LUPerson-MLLM/{n}.jpg' for n in range(4)]
    return enter(tmp_path, 'LUPerson-MLLM', monkeypatch, 'Ts-qwen.json', paths, rough_images=4)


def make_iiitd(tmp_path, monkeypatch):
    """Three persons."""
    records = {
        str(n): {'Image ID': f'p{n}', 'Image URL': '', 'Description 1': caption(n), 'Description 2': caption(n, 1)}
        for n in range(3)
    }
    write_json(tmp_path / 'Filtered.json', records)
    paths = [f'IIITD-20K/p{n}.jpeg' for n in range(3)]
    return enter(tmp_path, 'IIITD-20K', monkeypatch, 'Filtered.json', paths, total=Counts(3, 3, 6))


def make_own(tmp_path, monkeypatch):
    """Data of one's own: 4 training identities of 2 images, 2 to validate and 2 to test."""
    records = make_records(4, 2) + make_records(2, 2, 'val', first_id=50) + make_records(2, 2, 'test', first_id=70)
    for number, record in enumerate(records):
        record['captions'] = [caption(number, part) for part in range(2)]
    write_json(tmp_path / 'reid_raw.json', records)
    write_images(tmp_path / 'imgs', records)
    return SimpleNamespace(root=tmp_path, name='own', ann_file=tmp_path / 'reid_raw.json')


MAKERS = {
    'cuhk': make_cuhk,
    'icfg': make_icfg,
    'rstp': make_rstp,
    'lupt': make_lupt,
    'json': make_lupt_json,
    'ufine': make_ufine,
    'synth': make_synth,
    'mals': make_mals,
    'mllm': make_mllm,
    'iiitd': make_iiitd,
    'own': make_own,
}


def rewrite(copy, change):
    """Writes the annotation again after ``change(records)``, which may return other records."""
    records = json.loads(copy.ann_file.read_text())
    result = change(records)
    write_json(copy.ann_file, records if result is None else result)


def write_picture(path, height, width):
    cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))
