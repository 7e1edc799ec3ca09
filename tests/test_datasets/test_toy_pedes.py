import hashlib
import json
import re
import runpy
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from mmt2ireid.datasets.toy import ATTRIBUTES, CAMERAS, VOCAB_SIZE, ToyOptions, make_contact_sheet, make_toy_pedes
from mmt2ireid.datasets.toy import writer as toy_writer
from mmt2ireid.datasets.toy.sampling import distinct_persons
from mmt2ireid.datasets.toy.world import jobs_of

SMALL = ToyOptions(train_ids=12, val_ids=3, test_ids=5, images_per_id=4, pool=70, second_ids=6)


def make(out, options=SMALL, **how):
    return make_toy_pedes(out, options, **{'workers': 0, 'progress': False, **how})


def digest(out):
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob('*')) if path.is_file()
    }  # fmt: skip


def read(path):
    return json.loads(path.read_text())


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return make(tmp_path_factory.mktemp('toy') / 'world')


def test_same_bytes_for_any_number_of_workers(world, tmp_path):
    assert digest(make(tmp_path / 'three', workers=3)) == digest(world)


def test_another_seed_gives_other_bytes(world, tmp_path):
    options = ToyOptions(**{**SMALL.as_json(), 'seed': 1, 'size': (96, 48)})
    other = make(tmp_path / 'other', options)
    before = {v for k, v in digest(world).items() if k.endswith('.png')}
    assert not before & {v for k, v in digest(other).items() if k.endswith('.png')}


@pytest.mark.parametrize('domain', ['', 'second'])
def test_labelled_sets_have_the_layout_of_cuhk_pedes(world, domain):
    root = world / domain
    records = read(root / 'reid_raw.json')
    sizes = {'train': 12, 'val': 3, 'test': 5} if not domain else {'train': 6, 'val': 1, 'test': 6}
    ids = {split: sorted({r['id'] for r in records if r['split'] == split}) for split in sizes}
    assert {split: len(found) for split, found in ids.items()} == sizes
    assert ids['train'] + ids['val'] + ids['test'] == list(range(1, sum(sizes.values()) + 1))
    assert len(records) == 4 * sum(sizes.values())
    for record in records:
        assert set(record) == {'split', 'captions', 'file_path', 'processed_tokens', 'id'}
        assert len(set(record['captions'])) == 2
        for caption, tokens in zip(record['captions'], record['processed_tokens'], strict=True):
            assert tokens == re.sub(r'[^a-z -]', '', caption.lower()).split()
        with Image.open(root / 'imgs' / record['file_path']) as image:
            assert (image.size, image.mode, image.info) == ((48, 96), 'RGB', {})


def test_pool_has_the_layout_of_luperson_t(world):
    records = read(world / 'pool' / 'captions.json')
    assert len(records) == 70
    for record in records:
        assert set(record) == {'file_path', 'captions'}
        assert len(record['captions']) == 1
        assert (world / 'pool' / 'imgs' / record['file_path']).is_file()


def test_every_identity_is_seen_by_all_cameras(world):
    seen = {}
    for record in read(world / 'reid_raw.json'):
        seen.setdefault(record['id'], []).append(record['file_path'].split('/')[0])
    assert all(sorted(cameras) == [camera.name for camera in CAMERAS['main']] for cameras in seen.values())
    # the order of cameras is by lot, so that a camera does not say which picture of a person it is
    assert len({tuple(cameras) for cameras in seen.values()}) > 5


def test_names_are_opaque_numbers(world):
    for path in ('reid_raw.json', 'pool/captions.json', 'second/reid_raw.json'):
        names = [record['file_path'] for record in read(world / path)]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r'[a-z0-9_]+/\d{6}\.png', name) for name in names)
        numbers = [int(name.split('/')[1][:6]) for name in names]
        assert sorted(numbers) == list(range(len(numbers)))
        steps = [b - a for a, b in pairwise(numbers)]
        assert sum(step == 1 for step in steps) < 0.2 * len(steps)


def test_true_attributes(world):
    attributes = read(world / 'attributes.json')
    assert set(attributes) == {'main', 'pool', 'second'}
    paths = {'main': 'reid_raw.json', 'pool': 'pool/captions.json', 'second': 'second/reid_raw.json'}
    for domain, path in paths.items():
        assert list(attributes[domain]) == [record['file_path'] for record in read(world / path)]
        for facts in attributes[domain].values():
            assert tuple(facts) == ATTRIBUTES
            assert all(facts[name] for name in ATTRIBUTES[:6])
    main, clothes = attributes['main'], {}
    for record in read(world / 'reid_raw.json'):
        facts = main[record['file_path']]
        clothes.setdefault(record['id'], set()).add((facts['upper clothes'], facts['lower clothes'], facts['bag']))
    assert all(len(kinds) == 1 for kinds in clothes.values())


def test_identities_are_distinct():
    for domain, count in (('main', 350), ('second', 130)):
        assert len({person.key for person in distinct_persons(0, domain, count)}) == count


def test_people_of_the_pool_are_plausible():
    persons = list(distinct_persons(0, 'pool', 2000))
    names = ('bag', 'hat', 'glasses', 'umbrella')
    part = {name: sum(bool(getattr(p, name)) for p in persons) / 2000 for name in names}
    assert part['bag'] == pytest.approx(0.38, abs=0.05)  # the share that UniPT reports for LUPerson-T
    assert 0.1 < part['hat'] < 0.3
    assert 0.03 < part['umbrella'] < part['glasses'] < 0.25
    assert not any(p.gender == 'man' and 'skirt' in p.lower.kind for p in persons)
    assert not any(p.vehicle and p.umbrella for p in persons)
    assert not any(p.age == 'child' and (p.smoke or p.hair_length == 'bald') for p in persons)


def test_no_caption_has_an_unknown_token(world):
    transformers = pytest.importorskip('transformers')
    tokenizer = transformers.AutoTokenizer.from_pretrained(world / 'tokenizer')
    assert len(tokenizer) == VOCAB_SIZE
    for path in ('reid_raw.json', 'pool/captions.json', 'second/reid_raw.json'):
        captions = [caption for record in read(world / path) for caption in record['captions']]
        assert all(tokenizer.unk_token_id not in ids for ids in tokenizer(captions)['input_ids'])


def test_vocabulary_knows_only_what_models_are_trained_on(world):
    words = set((world / 'tokenizer' / 'vocab.txt').read_text().split())
    main = read(world / 'reid_raw.json')
    trained = [c for r in main if r['split'] == 'train' for c in r['captions']]
    trained += [c for r in read(world / 'pool' / 'captions.json') for c in r['captions']]
    known = set(re.findall('[a-z]{2,}', ' '.join(trained).lower()))
    others = [c for r in read(world / 'second' / 'reid_raw.json') + main for c in r['captions']]
    assert known <= words
    assert not (set(re.findall('[a-z]{2,}', ' '.join(others).lower())) - known) & words


def test_default_world_fits_the_vocabulary():
    assert sum(1 for _ in jobs_of(ToyOptions())) == 200 * 4 + 50 * 4 + 100 * 4 + 4000 + (60 + 10 + 60) * 4


def test_finished_world_is_reused(world, caplog):
    before = {path: path.stat().st_mtime_ns for path in world.rglob('*')}
    with caplog.at_level('INFO', logger=toy_writer.logger.name):
        make(world)
    assert 'nothing to do' in caplog.text
    assert before == {path: path.stat().st_mtime_ns for path in world.rglob('*')}


TINY = ToyOptions(train_ids=2, val_ids=0, test_ids=1, images_per_id=2, pool=3, second_ids=0, size=(48, 24))


def test_other_options_are_refused_unless_fresh(tmp_path):
    out = make(tmp_path / 'toy', TINY)
    other = ToyOptions(**{**TINY.as_json(), 'pool': 5, 'size': (48, 24)})
    before = digest(out)
    with pytest.raises(ValueError, match=r'pool 3 there, 5 asked for.*--fresh'):
        make(out, other)
    assert digest(out) == before
    make(out, other, fresh=True)
    assert len(read(out / 'pool' / 'captions.json')) == 5
    assert digest(out) == digest(make(tmp_path / 'new', other))


@pytest.mark.parametrize('fresh', [False, True])
def test_foreign_folders_are_never_touched(tmp_path, fresh):
    (tmp_path / 'imgs').mkdir()
    (tmp_path / 'imgs' / 'mine.txt').write_text('mine')
    (tmp_path / 'meta.json').write_text('{"generator": "something else"}')
    before = digest(tmp_path)
    with pytest.raises(FileExistsError, match='not made by this tool'):
        make(tmp_path, TINY, fresh=fresh)
    assert digest(tmp_path) == before
    (tmp_path / 'file').write_text('')
    with pytest.raises(FileExistsError, match='must be a folder'):
        make(tmp_path / 'file', TINY)


def test_fresh_leaves_what_others_put_beside(tmp_path):
    out = make(tmp_path / 'toy', TINY)
    (out / 'notes.txt').write_text('mine')
    make(out, TINY, fresh=True)
    assert (out / 'notes.txt').read_text() == 'mine'


def test_interrupted_run_starts_over(tmp_path, monkeypatch):
    draw, calls = toy_writer.draw_job, []

    def stop_at_fourth(job, options):
        calls.append(job)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return draw(job, options)

    monkeypatch.setattr(toy_writer, 'draw_job', stop_at_fourth)
    out = tmp_path / 'toy'
    with pytest.raises(KeyboardInterrupt):
        make(out, TINY)
    assert not (out / 'meta.json').exists()
    assert list(out.rglob('*.png'))
    (out / 'imgs' / 'cam_a' / 'left_over.png').write_text('')
    (out / '.meta.json.4711').write_text('half a fi')
    monkeypatch.undo()
    make(out, TINY)
    assert digest(out) == digest(make(tmp_path / 'new', TINY))


def test_damaged_world_is_named(tmp_path):
    out = make(tmp_path / 'toy', TINY)
    picture = next((out / 'imgs').rglob('*.png'))
    picture.unlink()
    with pytest.raises(ValueError, match=r'5 of 6 pictures.*--fresh'):
        make(out, TINY)
    make(out, TINY, fresh=True)
    (out / 'attributes.json').unlink()
    with pytest.raises(ValueError, match=r'attributes\.json is missing'):
        make(out, TINY)


def test_empty_pool_and_second_set(tmp_path):
    out = make(tmp_path / 'toy', ToyOptions(train_ids=1, val_ids=0, test_ids=1, pool=0, second_ids=0))
    assert read(out / 'pool' / 'captions.json') == []
    assert read(out / 'second' / 'reid_raw.json') == []
    make(out, ToyOptions(train_ids=1, val_ids=0, test_ids=1, pool=0, second_ids=0))


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ({'train_ids': 0}, 'train_ids must be an integer of at least 1, but got 0'),
        ({'pool': -1}, 'pool must be an integer of at least 0, but got -1'),
        ({'seed': 1.5}, 'seed must be an integer of at least 0, but got 1.5'),
        ({'captions_per_image': 11}, 'captions_per_image must be at most 10, but got 11'),
        ({'size': (96,)}, r'size must be two integers \(height, width\), but got \(96,\)'),
        ({'size': (48, 96)}, r'size must be \(height, width\) with .* but got \(48, 96\)'),
    ],
)
def test_bad_options_are_named(option, message):
    with pytest.raises(ValueError, match=message):
        ToyOptions(**option)


def test_bad_workers_are_named(tmp_path):
    with pytest.raises(ValueError, match='workers must be an integer of at least 0, but got -1'):
        make(tmp_path / 'toy', TINY, workers=-1)
    assert not (tmp_path / 'toy').exists()


def test_contact_sheet(world, tmp_path):
    make_contact_sheet(world, tmp_path / 'sheet.png')
    with Image.open(tmp_path / 'sheet.png') as image:
        assert min(image.size) > 400
        assert len(image.getcolors(1 << 24)) > 1000


def test_command_line(tmp_path, monkeypatch, capsys):
    tool = Path(__file__).parents[2] / 'tools' / 'dataset_converters' / 'make_toy_pedes.py'
    small = '--train-ids 2 --val-ids 0 --test-ids 1 --images-per-id 2 --pool 3 --second-ids 0 --size 48 24 --workers 0'

    def run(*more):
        monkeypatch.setattr(sys, 'argv', [str(tool), str(tmp_path / 'toy'), *small.split(), *more])
        runpy.run_path(str(tool), run_name='__main__')

    run('--contact-sheet', str(tmp_path / 'sheet.png'))
    assert (tmp_path / 'sheet.png').is_file()
    assert digest(tmp_path / 'toy') == digest(make(tmp_path / 'new', TINY))
    with pytest.raises(SystemExit):
        run('--seed', '7')
    assert 'seed 0 there, 7 asked for' in capsys.readouterr().err
    run('--seed', '7', '--fresh')
    assert read(tmp_path / 'toy' / 'meta.json')['options']['seed'] == 7
