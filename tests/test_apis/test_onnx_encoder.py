"""Exported models without torch: same ids, same searches, and what is broken named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from export_models import CAPTIONS, LENGTH, WORDS, make_model, pictures, strange_texts, write_bert_tokenizer

from mmt2ireid.apis import PersonSearcher
from mmt2ireid.apis.export import export_model
from mmt2ireid.apis.export.tokenizer_files import write_tokenizer
from mmt2ireid.apis.search import OnnxEncoder, TorchEncoder, load_encoder
from mmt2ireid.apis.search.encoder import clean_text
from mmt2ireid.apis.search.exported_folder import file_entry
from mmt2ireid.apis.search.exported_tokenizers import open_tokenizer
from mmt2ireid.text import CLIPTokenizer, HFTokenizer, WordTokenizer

ROOT = Path(__file__).resolve().parents[2]
ABSENT = ('torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain', 'transformers', 'open_clip', 'timm', 'regex')
LONG = ['a' * 10_000, 'red ' * 2_500, '\U0001f642' * 10_000, '\u4eba' * 10_000, '!' * 10_000, '&amp;' * 2_000]
ODD = [
    '\u200b',
    '\u00ad',
    '\x00',
    '\x1b[1m',
    '\u017f',
    '\u212a',
    "it'\u017f",
    '...',
    '[CLS]',
    '\U0001f468\u200d\U0001f469',
]


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Config, checkpoint and folder of a model with CLIP's byte pairs."""
    folder = tmp_path_factory.mktemp('clip')
    config, checkpoint = make_model('clip', folder)
    export_model(config, checkpoint, folder / 'exported', timing=False)
    return config, checkpoint, folder / 'exported'


@pytest.fixture
def copy(model, tmp_path):
    """A copy of the exported folder, to be broken."""
    return Path(shutil.copytree(model[2], tmp_path / 'copy'))


@pytest.mark.parametrize(
    'kind', ['clip', 'clip with a mask', 'clip without marks', 'bert', 'words', 'words with an end']
)
def test_ids_are_those_of_the_tokenizers_of_the_house(kind, tmp_path):
    house = {
        'clip': lambda: CLIPTokenizer(),
        'clip with a mask': lambda: CLIPTokenizer(20, mask_token=True),
        'clip without marks': lambda: CLIPTokenizer(drop_characters='.!"()*#:;~'),
        'bert': lambda: HFTokenizer(str(write_bert_tokenizer(tmp_path)), 40),
        'words': lambda: WordTokenizer(WORDS, 12),
        'words with an end': lambda: WordTokenizer([*WORDS, '<END>'], 12, False, True, '<END>'),
    }[kind]()
    settings = json.loads(json.dumps(write_tokenizer(house, tmp_path)))
    exported = open_tokenizer(settings, tmp_path)
    texts = [*CAPTIONS, *LONG, *ODD, *strange_texts(3000), *(f'x{chr(code)}y' for code in range(32, 0xD800, 31))]
    truncated = 0
    for text in map(clean_text, texts):
        before = house.num_truncated
        (ids,) = house([text])
        found, reading = exported.read(text)
        assert found == ids, text[:80]
        words = [token for token, word in zip(ids, house.word_ids(text), strict=True) if word >= 0]
        assert reading.truncated == (house.num_truncated > before), text[:80]
        assert (reading.num_tokens, reading.num_words) == (len(ids), len(words)), text[:80]
        assert reading.num_unknown == sum(token in house.unknown_ids for token in words), text[:80]
        truncated += reading.truncated
    # Divided at white space only, all but one of the long texts are one word or two.
    assert (1 if kind == 'words with an end' else len(LONG)) <= truncated < 0.8 * len(texts)


def test_plain_english_needs_no_ftfy(model, monkeypatch):
    exported = OnnxEncoder(model[2])
    monkeypatch.setitem(sys.modules, 'ftfy', None)
    exported.encode_texts(["A man's (red) t-shirt, size <42>!\n"])
    with pytest.raises(ImportError, match=r'ftfy.*mmt2ireid\[export\]'):
        exported.encode_texts(['caf\u00e9'])


@pytest.mark.filterwarnings('ignore::mmt2ireid.apis.search.encoder.TextWarning')
def test_order_batches_and_threads_change_nothing(model):
    exported = OnnxEncoder(model[2], threads=1)
    texts, shown = [*CAPTIONS, *strange_texts(30)], pictures(9)
    wanted_texts = np.concatenate([exported.encode_texts([text]) for text in texts])
    wanted_images = np.concatenate([exported.encode_images([picture]) for picture in shown])
    assert wanted_texts.dtype == wanted_images.dtype == np.float32
    assert np.allclose(np.linalg.norm(wanted_texts, axis=1), 1, atol=1e-5)
    small = OnnxEncoder(model[2], threads=1, batch_size=4)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: (small.encode_texts(texts), small.encode_images(shown)), range(16)))
    for of_texts, of_images in found:
        assert np.abs(of_texts - wanted_texts).max() < 1e-5
        assert np.abs(of_images - wanted_images).max() < 1e-5
    assert exported.encode_texts([]).shape == exported.encode_images([]).shape == (0, exported.dim)


def test_what_is_no_text_or_picture_is_named(model):
    exported = OnnxEncoder(model[2])
    for text in ('', ' \n', 'x' * 100_001, 3):
        with pytest.raises(ValueError, match='a text to search for must'):
            exported.encode_texts(['a man', text])
    with pytest.raises(ValueError, match='list of str'):
        exported.encode_texts('a man')
    for picture in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), 'picture.png'):
        with pytest.raises(ValueError, match='picture 1 must be uint8 RGB'):
            exported.encode_images([*pictures(1), picture])
    with pytest.raises(ValueError, match='threads must be at least 1, but got 0'):
        OnnxEncoder(model[2], threads=0)


def test_long_texts_are_cut_alike_and_that_is_said_once(model):
    exported, torch_encoder = OnnxEncoder(model[2]), TorchEncoder(*model[:2], device='cpu')
    text = 'a red coat and ' * 50
    with pytest.warns(UserWarning, match=f'reads the first {LENGTH} tokens') as told:
        found = [exported.encode_texts([text]), exported.encode_texts([text, 'short'])[:1]]
    assert len(told) == 1
    assert exported.read_text(text) == torch_encoder.read_text(text)
    with pytest.warns(UserWarning, match='too long'):
        assert np.abs(np.concatenate(found) - torch_encoder.encode_texts([text])).max() < 1e-5


@pytest.mark.parametrize('name', ['image.onnx', 'text.onnx', 'tokenizer.json', 'characters.json'])
def test_a_missing_a_cut_and_a_changed_file_are_named(copy, name):
    path = copy / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(
        ValueError, match=rf'{name} must have {len(content)} bytes, but has {len(content) // 2}: .* cut'
    ):
        OnnxEncoder(copy)
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with pytest.raises(ValueError, match=rf'{name} is not the file that was exported'):
        OnnxEncoder(copy)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=rf'{name} of the exported model is missing'):
        OnnxEncoder(copy)


def change_meta(folder, change):
    meta = json.loads((folder / 'meta.json').read_text())
    change(meta)
    (folder / 'meta.json').write_text(json.dumps(meta))


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        (lambda meta: meta.update(format=2), 'of format 2.*reads up to format 1: update mmt2ireid'),
        (lambda meta: meta.update(format='1'), "says '1'"),
        (lambda meta: meta.pop('format'), 'says None'),
        (lambda meta: meta.pop('fingerprint'), 'fingerprint is None'),
        (lambda meta: meta['image'].update(height='96'), "image.height is '96'"),
        (lambda meta: meta['image'].update(interpolation='cubist'), "but got 'cubist'"),
        (lambda meta: meta['tokenizer'].update(kind='runes'), "'words'.*but got 'runes'"),
        (lambda meta: meta['tokenizer'].pop('start'), 'tokenizer of the exported model .* is broken'),
        (lambda meta: meta['files'].pop('text.onnx'), 'files lacks text.onnx'),
        (lambda meta: meta['files'].update({'../x': {}}), "an entry '../x'"),
        (lambda meta: meta.update(text=[]), 'text.pad_id is None'),
        (lambda meta: meta.update(dim=12), r'image\.onnx must .* features of 12 numbers'),
        (lambda meta: meta['image'].update(height=0), r'image\.onnx must take'),
    ],
)
def test_meta_that_cannot_be_used_is_named(copy, change, words):
    change_meta(copy, change)
    with pytest.raises(ValueError, match=words):
        OnnxEncoder(copy)


def test_folders_that_are_no_export_are_named(copy, tmp_path):
    with pytest.raises(FileNotFoundError, match='there is none at'):
        OnnxEncoder(tmp_path / 'nowhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match=r'has no meta\.json'):
        OnnxEncoder(tmp_path / 'empty')
    (copy / 'meta.json').write_text('{"format": 1')
    with pytest.raises(ValueError, match='must be JSON'):
        OnnxEncoder(copy)
    (copy / 'meta.json').write_text('[]')
    with pytest.raises(ValueError, match='says None'):
        OnnxEncoder(copy)


def test_a_file_that_is_no_graph_is_named(copy):
    (copy / 'text.onnx').write_bytes(b'no protobuf at all')
    change_meta(copy, lambda meta: meta['files'].update({'text.onnx': file_entry(copy / 'text.onnx')}))
    with pytest.raises(ValueError, match=r'text\.onnx cannot be opened by onnxruntime'):
        OnnxEncoder(copy)


def test_a_graph_of_another_kind_is_named(copy):
    (copy / 'image.onnx').write_bytes((copy / 'text.onnx').read_bytes())
    change_meta(copy, lambda meta: meta['files'].update({'image.onnx': file_entry(copy / 'image.onnx')}))
    with pytest.raises(ValueError, match=r"image\.onnx must take \{'pictures'.*but takes \{'token_ids'"):
        OnnxEncoder(copy)


SEARCH = """
    import json, sys

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.partition('.')[0] in {absent}:
                raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)

    sys.meta_path.insert(0, Absent())
    import mmt2ireid, mmt2ireid.gallery, mmt2ireid.apis.search
    from mmt2ireid.apis import PersonSearcher
    from mmt2ireid.apis.search import OnnxEncoder, PersonSearcher

    model, crops, stored, made_by_torch, other = sys.argv[1:]
    found = {{}}
    with PersonSearcher(model, stored, image_root=crops) as searcher:
        found['added'] = searcher.add_folder(crops, progress=False).added
        found['texts'] = [[(h.crop.id, h.score) for h in hits] for hits in searcher.search_batch({texts}, top_k=5)]
        picture = sorted(searcher.gallery.ids())[0]
        found['neighbours'] = [(h.crop.id, h.score) for h in searcher.neighbours(picture, 3)]
    with PersonSearcher(model, made_by_torch, image_root=crops) as searcher:
        found['of_torch'] = [(h.crop.id, h.score) for h in searcher.search({texts}[0], top_k=5)]
        found['known'] = searcher.add_folder(crops, progress=False).known
    try:
        PersonSearcher(model, other)
    except ValueError as error:
        found['refused'] = str(error)
    found['loaded'] = sorted(name for name in sys.modules if name.partition('.')[0] in {absent})
    print(json.dumps(found))
"""


def test_searches_without_torch_find_what_torch_finds(model, tmp_path):
    config, checkpoint, folder = model
    crops = tmp_path / 'crops'
    (crops / 'camera').mkdir(parents=True)
    for number, picture in enumerate(pictures(12, seed=3)):
        cv2.imwrite(str(crops / 'camera' / f'{number:02}.png'), picture)
    texts = ['a man in a red coat', 'caf\u00e9 \U0001f642', 'bag']
    with PersonSearcher((config, checkpoint), tmp_path / 'made_by_torch', image_root=crops) as searcher:
        assert searcher.add_folder(crops, progress=False).added == 12
        wanted = searcher.search_batch(texts, top_k=5)
        near = searcher.neighbours(sorted(searcher.gallery.ids())[0], 3)
    other_model = make_model('clip', tmp_path / 'other', seed=1)
    with PersonSearcher(other_model, tmp_path / 'other_gallery', image_root=crops) as searcher:
        searcher.add_folder(crops, progress=False)
        others = searcher.encoder.fingerprint
    script = textwrap.dedent(SEARCH).format(absent=set(ABSENT), texts=texts)
    places = [folder, crops, tmp_path / 'stored', tmp_path / 'made_by_torch', tmp_path / 'other_gallery']
    done = subprocess.run(
        [sys.executable, '-c', script, *map(str, places)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found['loaded'] == []
    assert (found['added'], found['known']) == (12, 12)
    for hits, expected in zip([*found['texts'], found['of_torch']], [*wanted, wanted[0]], strict=True):
        assert [name for name, _ in hits] == [hit.crop.id for hit in expected]
        assert [score for _, score in hits] == pytest.approx([hit.score for hit in expected], abs=1e-4)
    assert [name for name, _ in found['neighbours']] == [hit.crop.id for hit in near]
    fingerprint = load_encoder(folder).fingerprint
    assert fingerprint in found['refused'] and others in found['refused'] and others != fingerprint


def test_without_mmengine_nothing_else_is_hidden(tmp_path):
    """What is missing besides MMEngine is not swallowed: it is as it was."""
    script = """
        import sys
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name == 'mmengine.registry.registry':
                    raise ModuleNotFoundError('No module named rich', name='rich')
        sys.meta_path.insert(0, Absent())
        import mmt2ireid
    """
    done = subprocess.run(
        [sys.executable, '-c', textwrap.dedent(script)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert 'No module named rich' in done.stderr
