from __future__ import annotations

import json
import os
import shutil
import signal
import time
import tracemalloc

import pyarrow as pa
import pytest
import torch
from mmengine.registry import init_default_scope
from PIL import Image
from pseudo_text_world import (
    CATALOGUE,
    OTHERS,
    ColourScorer,
    TinyComposer,
    captions_of,
    generator,
    picture,
    pictures,
    results,
    to_small_tensor,
    write_folder,
    write_table,
)
from test_sources import make_all

from mmt2ireid.datasets import LUPersonT
from mmt2ireid.datasets.transforms import LoadPersonImage
from mmt2ireid.io.images import read_image
from mmt2ireid.pseudo_text.conquer.choices import choose_attributes
from mmt2ireid.pseudo_text.conquer.scorer import AttributeScorer
from mmt2ireid.pseudo_text.generation.generator_options import GeneratorOptions
from mmt2ireid.pseudo_text.generation.loading import image_batches
from mmt2ireid.pseudo_text.sources.image_source import ImageSource, UnreadableImageError
from mmt2ireid.pseudo_text.sources.opening import FolderSource, open_source

IMAGES = pictures(33)


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    return open_source(write_folder(tmp_path_factory.mktemp('imgs'), IMAGES))


@pytest.fixture(scope='module')
def whole(source, tmp_path_factory):
    """An uninterrupted run."""
    out = tmp_path_factory.mktemp('whole') / 'out'
    generator(source, out, num_captions=2).run()
    return out


def naive_captions(images, count=1, threshold=0.9, seed=0):
    """One image after the other, in float64, without any of the generator."""
    scorer, composer, found = ColourScorer(CATALOGUE), TinyComposer(seed), {}
    vectors = {name: value.double() for name, value in scorer.vectors.items()}
    for name, content in images.items():
        feature = to_small_tensor(Image.fromarray(read_image(content))).double()
        feature = feature / feature.norm()
        said = {}
        for key, attribute in CATALOGUE.items():
            probabilities = (30 * vectors[key] @ feature).softmax(0)[: len(attribute.phrases)].tolist()
            best = max(probabilities)
            is_said = attribute.required or best > threshold
            said[key] = attribute.phrases[probabilities.index(best)] if is_said else None
        found[name] = composer.compose_all(name, said, count)
    return found


def test_captions_are_those_of_a_naive_loop(whole):
    expected = naive_captions(IMAGES, count=2)
    assert captions_of(whole) == expected
    assert any('bag' in texts[0] or 'pack' in texts[0] for texts in expected.values())
    assert json.loads((whole / 'summary.json').read_text())['captions'] == 66


def test_probabilities_are_stored(source, whole):
    scorer = ColourScorer(CATALOGUE)
    images = torch.stack([to_small_tensor(Image.fromarray(read_image(content))) for content in IMAGES.values()])
    choices = choose_attributes(scorer.score(images), CATALOGUE)
    tables = [pa.ipc.open_file(path).read_all() for path in sorted(whole.glob('pseudo_texts-*.arrow'))]
    table = pa.concat_tables(tables)
    assert [len(table) for table in tables] == [10, 10, 10, 3]
    for name in CATALOGUE:
        assert table.column(name).to_pylist() == choices.phrases[name]
        assert table.column(f'{name} probability').to_pylist() == pytest.approx(
            choices.probabilities[name].tolist(), rel=1e-5
        )


@pytest.mark.parametrize('options', [{'num_workers': 1}, {'num_workers': 2}])
def test_workers_change_nothing(source, whole, tmp_path, options):
    generator(source, tmp_path / 'out', num_captions=2, **options).run()
    assert results(tmp_path / 'out') == results(whole)


def test_a_random_state_is_left_alone(source, tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    generator(source, tmp_path, num_workers=1).run()
    assert torch.equal(torch.rand(1), expected)


def test_all_sources_give_the_same_captions(tmp_path):
    images = pictures(11)
    found = {}
    for kind, source in make_all(tmp_path, images).items():
        generator(source, tmp_path / f'out_{kind}', num_workers=2, embed_images=True).run()
        found[kind] = results(tmp_path / f'out_{kind}')
    assert captions_of(tmp_path / 'out_folder') == naive_captions(images)
    assert all(files == found['folder'] for files in found.values())


@pytest.mark.parametrize('embed', [False, True])
def test_the_training_loader_reads_what_is_written(source, tmp_path, embed):
    init_default_scope('mmt2ireid')
    generator(source, tmp_path, num_captions=2, embed_images=embed).run()
    expected = naive_captions(IMAGES, count=2)
    pipeline = [dict(type='LoadPersonImage')]
    listed = LUPersonT(
        ann_file='captions.json', data_root=str(tmp_path), data_prefix=dict(img_path=source.where), pipeline=pipeline
    )
    prefix = dict(img_path='' if embed else source.where)
    table = LUPersonT(ann_file='pseudo_texts-*.arrow', data_root=str(tmp_path), data_prefix=prefix, pipeline=pipeline)
    assert len(listed) == len(table) == 66
    for index, (name, number) in enumerate((name, number) for name in IMAGES for number in range(2)):
        assert listed[index]['captions'] == table[index]['captions'] == [expected[name][number]]
        pixels = LoadPersonImage()(dict(img_path=name, img_bytes=IMAGES[name]))['img']
        assert (listed[index]['img'] == pixels).all()
        assert (table[index]['img'] == pixels).all()


def test_finished_shards_are_not_made_again(source, whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / 'out')
    first, *others = sorted(out.glob('pseudo_texts-*'))
    first.unlink()
    (out / '.pseudo_texts-00000-of-00004.arrow.123.tmp').write_bytes(b'half')
    before = {path: path.stat().st_mtime_ns for path in others}
    generator(source, out, num_captions=2).run()
    assert results(out) == results(whole)
    assert {path: path.stat().st_mtime_ns for path in others} == before


def times(folder):
    """Times of change of all files but the lock, which is taken anew."""
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name not in OTHERS}


def test_finished_run_does_nothing(whole, tmp_path):
    class Blind(ImageSource):
        where = 'blind'

        def __init__(self, other):
            self._ids = other._ids

        def read(self, index):
            raise AssertionError('no image is to be read')

    out = shutil.copytree(whole, tmp_path / 'out')
    before = times(out)
    source = Blind(open_source(write_folder(tmp_path / 'imgs', IMAGES)))
    assert generator(source, out, num_captions=2).run().images == 33
    assert times(out) == before


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'threshold': 0.8}, 'threshold: 0.9 there, 0.8 now'),
        ({'num_captions': 3}, 'num_captions: 2 there, 3 now'),
        ({'shard_size': 11}, 'shard_size: 10 there, 11 now'),
        ({'batch_size': 5}, 'batch_size: 4 there, 5 now'),
        ({'embed_images': True}, 'embed_images: False there, True now'),
        ({'file_format': 'parquet'}, 'file_format: arrow there, parquet now'),
        ({'split': 'val'}, 'split: train there, val now'),
        ({'composer': TinyComposer(seed=1)}, 'seed: 0 there, 1 now'),
        ({'scorer': ColourScorer(CATALOGUE, scale=2)}, r'scorer\.scale: 30\.0 there, 2 now'),
        ({'features': 'features'}, 'features: nothing there, float16 now'),
    ],
)
def test_other_options_are_refused(source, whole, tmp_path, change, named):
    out = shutil.copytree(whole, tmp_path / 'out')
    before = results(out)
    change = {**change, 'features': tmp_path / 'features'} if 'features' in change else change
    with pytest.raises(ValueError, match=f'made with other options .*{named}.*--fresh'):
        generator(source, out, **{'num_captions': 2, **change}).run()
    assert results(out) == before


def test_other_images_are_refused(whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / 'out')
    source = open_source(write_folder(tmp_path / 'imgs', pictures(34)))
    with pytest.raises(ValueError, match=r'images: 33 there, 34 now; source \(names of the images\): '):
        generator(source, out, num_captions=2).run()


def test_version_may_change(source, whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / 'out')
    content = json.loads((out / 'provenance.json').read_text())
    content['recorded']['mmt2ireid'] = '0.0.1'
    (out / 'provenance.json').write_text(json.dumps(content))
    generator(source, out, num_captions=2).run()


def test_fresh_removes_only_what_is_ours(source, whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / 'out')
    (out / 'notes.txt').write_text('mine')
    (out / 'pseudo_texts-old.arrow').write_text('mine')
    (out / '.captions.json.99.tmp').write_text('half')
    generator(source, out, shard_size=20, fresh=True).run()
    shards = ['pseudo_texts-00000-of-00002.arrow', 'pseudo_texts-00001-of-00002.arrow', 'pseudo_texts-old.arrow']
    assert sorted(results(out)) == ['captions.json', 'notes.txt', *shards, 'summary.json', 'unreadable.jsonl']
    assert captions_of(out) == naive_captions(IMAGES)


@pytest.mark.parametrize('fresh', [False, True])
def test_folder_of_others_is_left_alone(source, tmp_path, fresh):
    (tmp_path / 'captions.json').write_text('[]')
    with pytest.raises(FileExistsError, match='was not made by this tool'):
        generator(source, tmp_path, fresh=fresh).run()
    assert results(tmp_path) == {'captions.json': b'[]'}


@pytest.mark.parametrize('fresh', [False, True])
def test_results_may_stand_beside_the_folder_of_images(tmp_path, fresh):
    """As ``data/LUPerson-T`` has ``imgs`` in it, and with other templates a folder ``228-templates``."""
    images = open_source(write_folder(tmp_path / 'imgs', IMAGES))
    for _ in range(2):
        generator(images, tmp_path, fresh=fresh).run()
        generator(images, tmp_path / '228-templates', fresh=fresh).run()
    assert captions_of(tmp_path) == captions_of(tmp_path / '228-templates') == naive_captions(IMAGES)
    assert len(open_source(tmp_path / 'imgs')) == len(IMAGES)


def test_a_folder_by_the_name_of_a_result_is_refused(source, tmp_path):
    (tmp_path / 'captions.json').mkdir()
    with pytest.raises(FileExistsError, match='was not made by this tool'):
        generator(source, tmp_path).run()


RUBBISH = (
    b'<html>404</html>',
    b'%!PS-Adobe-3.0 EPSF-3.0\n',
    picture(0, '.jpg', (60, 120))[:-200],
    b'\x89PNG\r\n\x1a\n\0',
)


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('suffix', ['arrow', 'parquet'])
def test_unreadable_images_are_reported(tmp_path, workers, suffix):
    bad = {f'a/{number:05}.x.png': content for number, content in enumerate(RUBBISH)}
    bad['b/zero.png'] = b''
    source = open_source(write_folder(tmp_path / 'imgs', {**IMAGES, **bad}))
    (tmp_path / 'imgs' / 'c.png').symlink_to('nowhere')
    source = open_source(tmp_path / 'imgs')
    counts = generator(source, tmp_path / 'out', num_workers=workers, file_format=suffix).run()
    assert captions_of(tmp_path / 'out') == naive_captions(IMAGES)
    told = [json.loads(line) for line in (tmp_path / 'out' / 'unreadable.jsonl').read_text().splitlines()]
    assert [image['image_id'] for image in told] == [*sorted(bad), 'c.png']
    assert told[-2]['reason'] == 'is empty' and 'leads nowhere' in told[-1]['reason']
    assert (counts.captioned, counts.unreadable, counts.left_out) == (len(IMAGES), len(bad), 1)
    assert counts.images == counts.captioned + counts.unreadable


def test_batches_and_shards_without_a_readable_image(tmp_path):
    bad = {f'a/{number:05}.0.png': b'bad' for number in range(12)}
    images = {**bad, **{f'z{name}': content for name, content in IMAGES.items()}}
    source = open_source(write_folder(tmp_path / 'imgs', images))
    out, features = tmp_path / 'out', tmp_path / 'features'
    counts = generator(source, out, features=features).run()
    assert (counts.captioned, counts.unreadable) == (33, 12)
    again = generator(source, tmp_path / 'again', features=features).run()
    assert again == counts and results(tmp_path / 'again') == results(out)
    init_default_scope('mmt2ireid')
    assert len(LUPersonT(ann_file='pseudo_texts-*.arrow', data_root=str(out))) == 33


def test_a_wrong_root_stops_early(tmp_path):
    (tmp_path / 'l.txt').write_text('\n'.join(f'{number}.png' for number in range(1000)))
    source = open_source(tmp_path / 'l.txt')
    with pytest.raises(ValueError, match=r"none of the 10 images of a shard .*'0\.png', is not there.*Is the root"):
        generator(source, tmp_path / 'out').run()
    assert list(results(tmp_path / 'out')) == []


def test_a_transform_that_always_fails_stops_early(source, tmp_path):
    scorer = ColourScorer(CATALOGUE)
    scorer.transform = lambda image: 1 / 0
    generator_ = generator(source, tmp_path, scorer=scorer)
    with pytest.raises(ValueError, match='ZeroDivisionError'):
        generator_.run()


class NoTensors(AttributeScorer):
    """Takes PIL images as a list, and has no features."""

    def score(self, images):
        assert isinstance(images, list) and images[0].mode == 'RGB'
        return ColourScorer(CATALOGUE).score(torch.stack([to_small_tensor(image) for image in images]))


def test_another_scorer_takes_the_place(source, tmp_path):
    generator(source, tmp_path / 'out', scorer=NoTensors(), num_workers=1).run()
    assert captions_of(tmp_path / 'out') == naive_captions(IMAGES)
    with pytest.raises(ValueError, match='of a FeatureScorer only, but got NoTensors'):
        generator(source, tmp_path / 'x', scorer=NoTensors(), features=tmp_path / 'features')


def test_bad_scores_are_refused_with_the_images(source, tmp_path):
    scorer = ColourScorer(CATALOGUE)
    scorer.score_features = lambda features: {'gender': torch.full((4, 2), 0.5)}
    with pytest.raises(ValueError, match=r"images 'a/00000.png' to 'a/00006.png': scores must hold exactly"):
        generator(source, tmp_path, scorer=scorer).run()


@pytest.mark.parametrize('dtype', ['float16', 'float32'])
def test_kept_features_need_no_images(tmp_path, dtype):
    images = {**IMAGES, 'a/00001.png': b'bad'}
    source = open_source(write_folder(tmp_path / 'imgs', images))
    features, options = tmp_path / 'features', {'feature_dtype': dtype}
    generator(source, tmp_path / 'first', features=features, **options).run()
    made = times(features)
    assert len(made) == 4
    shutil.rmtree(tmp_path / 'imgs')
    generator(source, tmp_path / 'again', features=features, **options).run()
    assert results(tmp_path / 'again') == results(tmp_path / 'first')
    generator(source, tmp_path / 'other', features=features, threshold=0.3, num_captions=3,
              composer=TinyComposer(9), **options).run()  # fmt: skip
    assert captions_of(tmp_path / 'other') == naive_captions(IMAGES, 3, 0.3, 9)
    assert times(features) == made
    with pytest.raises(ValueError, match='could be read when its features were made'):
        generator(source, tmp_path / 'embedded', features=features, embed_images=True, **options).run()


def test_full_features_change_nothing(source, whole, tmp_path):
    generator(source, tmp_path / 'out', features=tmp_path / 'f', feature_dtype='float32', num_captions=2).run()
    assert captions_of(tmp_path / 'out') == captions_of(whole)


def test_features_fill_up_and_embed(source, tmp_path):
    features = tmp_path / 'features'
    generator(source, tmp_path / 'first', features=features, embed_images=True).run()
    sorted(features.glob('*.safetensors'))[1].unlink()
    generator(source, tmp_path / 'again', features=features, embed_images=True, num_workers=1).run()
    assert results(tmp_path / 'again') == results(tmp_path / 'first')


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'scorer': ColourScorer(CATALOGUE, name='other')}, r'encoder\.name: colours there, other now'),
        ({'shard_size': 11}, 'shard_size: 10 there, 11 now'),
        ({'feature_dtype': 'float32'}, 'dtype: float16 there, float32 now'),
    ],
)
def test_other_features_are_refused(source, tmp_path, change, named):
    generator(source, tmp_path / 'first', features=tmp_path / 'features').run()
    with pytest.raises(ValueError, match=f'features: made with other options .*{named}'):
        generator(source, tmp_path / 'out', features=tmp_path / 'features', **change).run()
    assert not (tmp_path / 'out').exists()


def test_features_need_a_folder_of_their_own(source, tmp_path):
    with pytest.raises(ValueError, match='a folder of their own'):
        generator(source, tmp_path, features=tmp_path)


def test_damaged_shard_is_named(source, whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / 'out')
    shard = sorted(out.glob('pseudo_texts-*'))[2]
    shard.write_bytes(shard.read_bytes()[:100])
    (out / 'summary.json').unlink()
    with pytest.raises(ValueError, match=f'{shard.name}: damaged since it was made'):
        generator(source, out, num_captions=2).run()
    shard.unlink()
    generator(source, out, num_captions=2).run()
    assert results(out) == results(whole)


@pytest.mark.parametrize('name', ['captions.json', 'unreadable.jsonl', 'summary.json'])
@pytest.mark.parametrize('change', ['lost', 'cut', 'edited'])
def test_final_files_that_were_lost_or_cut_are_written_again(source, whole, tmp_path, caplog, name, change):
    out = shutil.copytree(whole, tmp_path / 'out')
    path = out / name
    content = path.read_bytes()
    spoilt = content[:-3] if change == 'cut' else content + b' '
    if change == 'lost':
        path.unlink()
    else:
        path.write_bytes(spoilt)
    counts = generator(source, out, num_captions=2).run()
    assert counts.captions == 66
    found = results(out)
    if change != 'lost' and name != 'summary.json' and spoilt != content:
        assert found.pop(f'{name}.old') == spoilt
        assert f'{name}: changed since it was made; renamed to {name}.old and written again' in caplog.text
    elif change == 'lost' and name != 'summary.json':
        assert f'{name}: removed since it was made; written again' in caplog.text
    if name == 'summary.json' and change == 'edited':
        found[name] = found[name].rstrip() + b'\n'  # white space is no change of a summary
    assert found == results(whole)
    caplog.clear()
    generator(source, out, num_captions=2).run()
    assert not caplog.records


def test_shard_that_was_cut_after_the_end_is_named(source, whole, tmp_path):
    out = shutil.copytree(whole, tmp_path / 'out')
    shard = sorted(out.glob('pseudo_texts-*'))[2]
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(ValueError, match=rf'{shard.name}: damaged since it was made \(it has 100 bytes'):
        generator(source, out, num_captions=2).run()
    assert (out / 'captions.json').is_file()
    shard.unlink()
    generator(source, out, num_captions=2).run()
    assert results(out) == results(whole)


EXCHANGED = r'image(s were| was) exchanged under the same name since'


def exchange(path, number):
    """Another image under the same name."""
    path.write_bytes(picture(number))


@pytest.mark.parametrize('kind', ['killed', 'finished'])
def test_exchanged_images_are_noticed(tmp_path, kind):
    root, out = write_folder(tmp_path / 'imgs', IMAGES), tmp_path / 'out'
    generator(open_source(root), out).run()
    if kind == 'killed':
        (out / 'summary.json').unlink()
        sorted(out.glob('pseudo_texts-*'))[3].unlink()
    first, last = list(IMAGES)[4], list(IMAGES)[-1]
    exchange(root / first, 77)
    before = results(out)
    with pytest.raises(ValueError, match=rf'imgs: 1 {EXCHANGED} captions .* such as {first} \(shard 0\); .*--fresh'):
        generator(open_source(root), out).run()
    assert results(out) == before
    exchange(root / last, 78)
    shards = '0' if kind == 'killed' else '0, 3'  # the last image is in a shard that is made now
    with pytest.raises(ValueError, match=rf'{EXCHANGED} captions .*\(shard {shards}\)'):
        generator(open_source(root), out).run()
    now = {name: (root / name).read_bytes() for name in IMAGES}
    for path in out.glob('pseudo_texts-0000[03]-*'):
        path.unlink()
    generator(open_source(root), out).run()
    assert captions_of(out) == naive_captions(now)
    generator(open_source(root), out, fresh=True).run()
    assert captions_of(out) == naive_captions(now)


def test_exchanged_images_are_noticed_where_features_are_kept(tmp_path):
    root, features = write_folder(tmp_path / 'imgs', IMAGES), tmp_path / 'features'
    generator(open_source(root), tmp_path / 'first', features=features).run()
    exchange(root / list(IMAGES)[4], 77)
    with pytest.raises(ValueError, match=rf'1 {EXCHANGED} features .*choose another folder for features'):
        generator(open_source(root), tmp_path / 'second', features=features).run()
    write_folder(root, IMAGES)
    generator(open_source(root), tmp_path / 'second', features=features).run()
    exchange(root / list(IMAGES)[4], 77)
    with pytest.raises(ValueError, match=rf'1 {EXCHANGED} captions'):  # known from the features
        generator(open_source(root), tmp_path / 'second', features=features).run()


def test_copied_images_are_compared_once(tmp_path, monkeypatch):
    """A copy has other times of change: contents decide, and are not read again the next time."""
    root, out = write_folder(tmp_path / 'imgs', IMAGES), tmp_path / 'out'
    generator(open_source(root), out).run()
    for name in IMAGES:
        os.utime(root / name, ns=(7, 7))
    read, real = [], FolderSource.read
    monkeypatch.setattr(FolderSource, 'read', lambda self, index: read.append(index) or real(self, index))
    for count in (len(IMAGES), 0):
        generator(open_source(root), out).run()
        assert len(read) == count
        read.clear()


class Deadly(ImageSource):
    """Kills the worker that reads its sixth image."""

    where = 'deadly'

    def __init__(self, other):
        self._other, self._ids, self._parent = other, other._ids, os.getpid()

    def read(self, index):
        if index == 25 and os.getpid() != self._parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return self._other.read(index)


@pytest.mark.parametrize('error', [ConnectionRefusedError(111, 'refused'), FileNotFoundError(2, 'gone'), EOFError()])
def test_death_of_a_worker_that_holds_a_batch_is_told(source, monkeypatch, error):
    def fail(_):
        raise error

    monkeypatch.setattr('torch.utils.data.dataloader._BaseDataLoaderIter.__next__', fail)
    batches = image_batches(source, None, [range(4)], batch_size=2, num_workers=1, keep_contents=False)
    with pytest.raises(RuntimeError, match='a worker that reads images died'):
        next(batches)


def test_death_of_a_worker_is_told_and_survived(source, whole, tmp_path):
    with pytest.raises(RuntimeError, match=r'a worker that reads images died: .*fewer workers'):
        generator(Deadly(source), tmp_path, num_captions=2, num_workers=2).run()
    # On a slow machine it dies before the first shard is there, on a fast one after two.
    generator(source, tmp_path, num_captions=2, num_workers=2).run()
    assert results(tmp_path) == results(whole)


@pytest.mark.parametrize(
    'options',
    [{'num_captions': 0}, {'shard_size': 0}, {'batch_size': 2.5}, {'num_workers': -1}, {'threshold': 1.0},
     {'file_format': 'csv'}, {'feature_dtype': 'int8'}, {'num_captions': True}],
)  # fmt: skip
def test_bad_options_are_refused(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name} must be .*, but got'):
        GeneratorOptions(**options)


class Endless(ImageSource):
    """One picture under many names."""

    where = 'endless'

    def __init__(self, count: int) -> None:
        from mmt2ireid.pseudo_text.sources.image_source import IdTable

        self._content, self._ids = picture(0), IdTable((f'{number:08}' for number in range(count)), 'endless')

    def read(self, index: int) -> bytes:
        if index % 10 == 3:
            raise UnreadableImageError('is bad')
        return self._content


def peak(count: int, out) -> int:
    """Bytes that Python and numpy hold at most while images are captioned and put together, without their names."""
    source = Endless(count)
    run = generator(source, out, embed_images=True, shard_size=100, batch_size=50, features=out / 'features').run
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    run()
    found = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - before
    tracemalloc.stop()
    return found


@pytest.mark.parametrize('counts', [(300, 3000), pytest.param((2000, 20000), marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_images(tmp_path, counts):
    few, many = counts
    peak(few, tmp_path / 'warm')
    small, large = peak(few, tmp_path / 'few'), peak(many, tmp_path / 'many')
    # What grows is the listing of shards, which have 100 images here. A row alone would take several times as much.
    assert large - small < 30 * (many - few)


def test_ids_take_little_more_than_their_letters():
    tracemalloc.start()
    source = Endless(100_000)
    current = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(source) == 100_000 and current < 100_000 * (8 + 8) * 1.3


def test_progress_counts_from_what_is_done(source, whole, tmp_path, capfd):
    out = shutil.copytree(whole, tmp_path / 'out')
    for shard in sorted(out.glob('pseudo_texts-*'))[2:]:
        shard.unlink()
    began = time.perf_counter()
    generator(source, out, num_captions=2, progress=True).run()
    assert time.perf_counter() - began < 20
    shown = capfd.readouterr().err
    assert '20/33' in shown and '33/33' in shown and 'images/s' in shown


def test_table_without_an_image_is_reported(tmp_path):
    images = {'a': picture(0), 'b': None, 'c': picture(2)}
    source = open_source(write_table(tmp_path / 'x.arrow', images))
    assert generator(source, tmp_path / 'out').run().unreadable == 1
