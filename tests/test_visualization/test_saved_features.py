from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from mmt2ireid.evaluation import rank_gallery, save_features
from mmt2ireid.visualization import SavedFeatures, ranked_strip_from_features, saved_features, select_rows


@pytest.fixture
def out_file(tmp_path):
    """Twelve images of four identities; half of the captions lie near their image."""
    rng = np.random.default_rng(0)
    img_feats = rng.normal(size=(12, 8))
    txt_image = np.repeat(np.arange(12), 2)
    near = np.arange(24)[:, None] % 4 < 2
    txt_feats = np.where(near, img_feats[txt_image], rng.normal(size=(24, 8)))
    (tmp_path / 'imgs').mkdir()
    for number in range(12):
        Image.new('RGB', (16, 32), (20 * number, 0, 0)).save(tmp_path / 'imgs' / f'{number}.png')
    save_features(
        tmp_path / 'features.safetensors',
        img_feats=torch.from_numpy(img_feats),
        txt_feats=torch.from_numpy(txt_feats),
        pids=torch.arange(12) % 4,
        image_ids=torch.arange(12),
        txt_image=torch.from_numpy(txt_image),
        img_paths=[f'imgs/{number}.png' for number in range(12)],
        captions=[f'caption {number}' for number in range(24)],
    )
    return tmp_path / 'features.safetensors'


def test_rows_show_what_the_metric_ranks(out_file, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(saved_features, 'draw_ranked_strips', lambda rows, path, style: drawn.extend(rows) or path)
    ranked_strip_from_features(out_file, tmp_path / 'strip.png', num_queries=4, topk=5, data_root=tmp_path)
    split = SavedFeatures.load(out_file)
    scores, indices = rank_gallery(split.txt_feats, split.img_feats, 5)
    assert len(drawn) == 4
    assert [row.hits[0] for row in drawn] == [True, True, False, False]
    for row in drawn:
        caption = split.captions.index(row.query_text)
        shown = [image.getpixel((0, 0))[0] // 20 for image in row.images]
        assert shown == indices[caption].tolist()
        np.testing.assert_allclose(row.scores, scores[caption], atol=1e-6)
        assert row.hits == [item % 4 == (caption // 2) % 4 for item in shown]
        assert row.query_image.getpixel((0, 0))[0] // 20 == caption // 2


def test_picture_is_written_and_the_same_each_time(out_file, tmp_path):
    paths = [tmp_path / 'a.png', tmp_path / 'b.png', tmp_path / 'c.png']
    for path, seed in zip(paths, (0, 0, 1), strict=True):
        assert ranked_strip_from_features(out_file, path, num_queries=3, seed=seed, data_root=tmp_path) == path
    contents = [path.read_bytes() for path in paths]
    assert contents[0] == contents[1] != contents[2]


def test_images_may_come_from_elsewhere(out_file, tmp_path):
    asked = []

    def load_image(path):
        asked.append(path)
        return Image.new('RGB', (8, 16))

    ranked_strip_from_features(out_file, tmp_path / 'strip.png', num_queries=1, topk=2, load_image=load_image)
    assert len(asked) == 3 and set(asked) <= {f'imgs/{number}.png' for number in range(12)}


def test_what_is_missing_is_named(out_file, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'imgs.*\.png: the image is not there'):
        ranked_strip_from_features(out_file, tmp_path / 'strip.png', data_root=tmp_path / 'elsewhere')
    with pytest.raises(FileNotFoundError, match=r'none\.safetensors: there is no such file'):
        SavedFeatures.load(tmp_path / 'none.safetensors')
    (tmp_path / 'other').write_bytes(b'something else')
    with pytest.raises(ValueError, match='expected the out_file of RetrievalMetric'):
        SavedFeatures.load(tmp_path / 'other')


def test_select_rows_takes_half_of_each_kind():
    hits = np.arange(40) % 4 > 0
    chosen = select_rows(hits, 7, seed=3)
    assert len(set(chosen)) == 7
    assert hits[chosen].tolist() == [True] * 4 + [False] * 3
    assert chosen == select_rows(hits, 7, seed=3) != select_rows(hits, 7, seed=4)


@pytest.mark.parametrize(('num_hits', 'expected_hits'), [(0, 0), (1, 1), (9, 5), (10, 6)])
def test_select_rows_fills_up(num_hits, expected_hits):
    hits = np.arange(10) < num_hits
    chosen = select_rows(hits, 6)
    assert len(set(chosen)) == 6 and hits[chosen].sum() == expected_hits
    assert sorted(select_rows(hits, 99)) == list(range(10))


def test_select_rows_shows_different_identities():
    pids = np.repeat(np.arange(6), 10)
    for seed in range(10):
        assert len(set(pids[select_rows(np.ones(60), 6, pids=pids, seed=seed)])) == 6


def test_select_rows_names_bad_input():
    with pytest.raises(ValueError, match='num_rows must be at least 1'):
        select_rows([True], 0)
    with pytest.raises(ValueError, match='pids must have 1 entries'):
        select_rows([True], 1, pids=[1, 2])
