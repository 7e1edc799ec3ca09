"""Pictures of a checkpoint's clusters, on a small toy world."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmt2ireid.datasets.toy import ToyOptions, make_toy_pedes

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'test_engine'))

from crash_runs import load_tool  # noqa: E402

IMAGES, CAPTIONS = 36, 72
SIZES = [f'model.heads.memory.num_images={IMAGES}', f'model.heads.memory.num_captions={CAPTIONS}']
CONFIG = 'toy/cmmt_vit_toy'


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """data/toy_pedes of 12 identities, and the checkpoint of a model with random weights."""
    folder = tmp_path_factory.mktemp('toy')
    options = ToyOptions(train_ids=12, val_ids=2, test_ids=4, images_per_id=3, pool=2, second_ids=0)
    make_toy_pedes(folder / 'data' / 'toy_pedes', options, workers=0, progress=False)
    from mmengine.config import Config

    from mmt2ireid.apis import find_config, get_model

    cfg = Config.fromfile(find_config(CONFIG))
    cfg.merge_from_dict(dict(part.split('=') for part in SIZES))
    for size in ('num_images', 'num_captions'):
        cfg.model.heads.memory[size] = int(cfg.model.heads.memory[size])
    torch.manual_seed(0)
    here = os.getcwd()
    os.chdir(folder)
    try:
        torch.save(dict(state_dict=get_model(cfg).state_dict(), meta={}), folder / 'random.pth')
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def draw(world, monkeypatch, capsys):
    monkeypatch.chdir(world)

    def call(*options, config=CONFIG, checkpoint='random.pth', changes=()):
        sizes = SIZES if config == CONFIG else []
        command = [config, checkpoint, *map(str, options), '--cfg-options', *sizes, *changes, 'log_level=ERROR']
        load_tool('draw_clusters').main(command)
        return capsys.readouterr().out

    return call


def test_pictures_and_labels(draw, world):
    from mmt2ireid.labeling import cluster_statistics

    table = draw('--out', 'a', '--clusters', 4, '--queries', 4, '--topk', 3, '--map', 'pca', '--map-clusters', 3)
    assert sorted(os.listdir(world / 'a')) == ['cluster_sheet.png', 'clusters.json', 'map.png', 'paired_hits.png']
    for name in ('cluster_sheet', 'map', 'paired_hits'):
        with Image.open(world / 'a' / f'{name}.png') as picture:
            assert np.asarray(picture).std() > 5 and picture.width > 900
    content = json.loads((world / 'a/clusters.json').read_text())
    assert content['image_of'] == [number // 2 for number in range(CAPTIONS)]
    assert 0 < len(content['on_map']) <= 3
    for modality, count in (('img', IMAGES), ('txt', CAPTIONS)):
        labels = {when: np.array(content['labels'][modality][when]) for when in ('before', 'after')}
        assert labels['before'].shape == labels['after'].shape == (count,)
        kept = labels['before'] >= 0
        assert kept.any() and (labels['after'][kept] >= 0).all()
        for when, found in labels.items():
            figures = content['figures'][modality][when]
            assert figures['clusters'] == cluster_statistics(found)['clusters'] and 0 < figures['nmi'] <= 1
    assert re.search(rf'\| clusters \| {content["figures"]["img"]["before"]["clusters"]} \| ', table)
    assert len(content['on_sheet']) == 4 and all(re.fullmatch(r'(img|txt):\d+', name) for name in content['on_sheet'])

    again = ['--out', 'b', '--ids', *content['on_sheet'], '--queries', 4, '--topk', 3, '--map', 'pca']
    draw(*again, '--map-clusters', 3, '--format', 'jpg', '--max-kib', 60, '--gallery', 'train')
    assert sorted(os.listdir(world / 'b')) == ['cluster_sheet.jpg', 'clusters.json', 'map.png', 'paired_hits.jpg']
    assert all(path.stat().st_size <= 60 * 1024 for path in (world / 'b').iterdir())
    second = json.loads((world / 'b/clusters.json').read_text())
    for key in ('labels', 'figures', 'on_sheet', 'on_map'):
        assert second[key] == content[key], key


def test_labels_are_those_of_the_hook(world, monkeypatch):
    """The labels that the hook would write into the memories, from the same weights."""
    monkeypatch.chdir(world)
    from mmengine.config import Config

    from mmt2ireid.apis import find_config, get_model
    from mmt2ireid.apis.clusters import cluster_training_set, clustering_hook
    from mmt2ireid.engine.launch import build_runner

    cfg = Config.fromfile(find_config(CONFIG))
    cfg.model.heads.memory.update(num_images=IMAGES, num_captions=CAPTIONS)
    pairs, _ = cluster_training_set(clustering_hook(cfg), get_model(cfg, 'random.pth'))
    cfg.update(work_dir='run', load_from='random.pth', log_level='ERROR')
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    runner = build_runner(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.load_or_resume()
    hook = next(hook for hook in runner.hooks if type(hook).__name__ == 'ClusteringHook')
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    head = runner.model.heads['memory']
    assert pairs.after[0].tolist() == head.img_memory.labels.tolist() and pairs.after[0].max() > 0
    assert pairs.after[1].tolist() == head.txt_memory.labels.tolist()


def test_what_is_shown_is_counted_by_modality(draw, monkeypatch):
    """Never "6 of 5 picture clusters"."""
    tool, said = load_tool('draw_clusters'), []
    original = tool.render_cluster_sheet
    monkeypatch.setattr(
        tool, 'render_cluster_sheet', lambda cards, note: (said.append(note), original(cards, note=note))[1]
    )
    monkeypatch.setattr(sys.modules[__name__], 'load_tool', lambda name: tool)
    draw(
        '--out', 'counted', '--clusters', 400, '--map', 'pca', '--queries', 2, '--gallery', 'val', '--choose', 'random'
    )
    found = re.match(r'(\d+) of (\d+) picture clusters? and (\d+) of (\d+) caption clusters?, ', said[0])
    shown = [int(number) for number in found.groups()]
    assert shown[0] == shown[1] and shown[2] == shown[3] and min(shown) >= 1


def test_no_cluster_is_drawn_as_such(draw, world):
    from mmengine.config import Config

    from mmt2ireid.apis import find_config

    names = [hook['type'] for hook in Config.fromfile(find_config(CONFIG)).custom_hooks]
    hook = f'custom_hooks.{names.index("ClusteringHook")}'
    changes = [f'{hook}.min_samples={IMAGES}', f'{hook}.eps=0.03']
    draw('--out', 'none', '--map', 'pca', '--queries', 2, '--gallery', 'val', changes=changes)
    content = json.loads((world / 'none/clusters.json').read_text())
    assert content['on_sheet'] == content['on_map'] == []
    assert set(content['labels']['img']['after'] + content['labels']['txt']['after']) == {-1}
    assert content['figures']['txt']['after']['pair_precision'] is None
    with Image.open(world / 'none/cluster_sheet.png') as picture:
        assert (np.asarray(picture) != 255).any()


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(config='toy/unipt_vit_toy'), 'must hold a ClusteringHook'),
        (dict(config='toy/no_such'), 'no_such'),
        (dict(checkpoint='missing.pth'), r'missing\.pth must be a file'),
        (dict(changes=['test_dataloader=None']), '--gallery must be a split that the config evaluates, but got test'),
        (dict(changes=['model.heads.memory.num_images=5']), "num_images of the head 'memory' must be 36, but got 5"),
    ],
)
def test_what_is_refused_leaves_nothing(draw, world, options, message):
    config = options.pop('config', CONFIG)
    with pytest.raises((ValueError, OSError), match=message):
        draw('--out', 'refused', '--map', 'pca', config=config, **options)
    assert not (world / 'refused').exists()


def test_clusters_that_are_not_there_and_a_file_in_the_way(draw, world):
    with pytest.raises(ValueError, match=r'clusters of txt must be from 0 to .*, but got 999'):
        draw('--out', 'refused', '--ids', 'txt:999')
    (world / 'file').write_text('x')
    with pytest.raises(ValueError, match='--out must be a folder, but got file'):
        draw('--out', 'file')


@pytest.mark.parametrize(
    'option, value',
    [('clusters', '0'), ('topk', '-1'), ('ids', 'img'), ('map-clusters', '99'), ('seed', '-1'), ('map', 'x')],
)
def test_options_out_of_range(option, value, capsys):
    with pytest.raises(SystemExit):
        load_tool('draw_clusters').parse_args(['c.py', 'w.pth', '--out', 'x', f'--{option}', value])
    assert f'--{option}' in capsys.readouterr().err
