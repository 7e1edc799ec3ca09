"""Further views of an item, and its captions in other words."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from mmt2ireid.datasets.samplers import PairSampler
from mmt2ireid.datasets.transforms import ExtraViews, OtherWordings, PackPersonInputs
from mmt2ireid.registry import TRANSFORMS

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 20, 3), dtype=np.uint8)


def item(**more):
    return dict(img=PICTURE.copy(), img_shape=(40, 20), img_path='a.png', captions=['red coat'], **more)


class TestExtraViews:
    def test_each_view_has_its_own_pipeline(self):
        transform = TRANSFORMS.build(
            dict(
                type='mmt2ireid.ExtraViews',
                views=[
                    [dict(type='Resize', scale=(10, 30))],
                    [dict(type='RandomFlip', prob=1.0), dict(type='Resize', scale=(8, 8))],
                    [],
                ],
            )
        )
        results = transform(item())
        assert [view.shape for view in results['views']] == [(30, 10, 3), (8, 8, 3), (40, 20, 3)]
        assert np.array_equal(results['img'], PICTURE) and results['img_shape'] == (40, 20)
        assert np.array_equal(results['views'][2], PICTURE) and results['captions'] == ['red coat']
        packed = PackPersonInputs()(dict(results, token_ids=[torch.tensor([1, 2])]))
        assert [tuple(view.shape) for view in packed['data_samples'].views] == [(3, 30, 10), (3, 8, 8), (3, 40, 20)]
        assert np.array_equal(packed['data_samples'].views[2].numpy().transpose(1, 2, 0), PICTURE)
        stores = [tensor.untyped_storage().data_ptr() for tensor in [packed['inputs'], *packed['data_samples'].views]]
        assert len(set(stores)) == 1, 'one open file for all pictures of an item on its way from a worker'
        assert 'views' not in PackPersonInputs()(item())['data_samples']
        assert repr(transform).startswith('ExtraViews(views=[Compose(')

    def test_views_are_pinned_by_the_loader(self, monkeypatch):
        from torch.utils.data._utils.pin_memory import pin_memory

        monkeypatch.setattr(torch.Tensor, 'pin_memory', lambda tensor, *args: tensor + 1)
        packed = PackPersonInputs()(item(views=[PICTURE, PICTURE]))
        pinned = pin_memory([packed, PackPersonInputs()(item())])
        assert all(torch.equal(view, packed['inputs'] + 1) for view in pinned[0]['data_samples'].views)
        assert 'views' not in pinned[1]['data_samples']

    def test_same_views_for_any_number_of_workers(self, tmp_path):
        import cv2

        from mmt2ireid.datasets import CUHKPEDES

        (tmp_path / 'imgs').mkdir()
        records = []
        for number in range(6):
            cv2.imwrite(str(tmp_path / 'imgs' / f'{number}.png'), np.roll(PICTURE, number, 0))
            records.append(dict(split='train', captions=['red coat'], file_path=f'{number}.png', id=number + 1))
        (tmp_path / 'reid_raw.json').write_text(json.dumps(records))
        crop = [dict(type='mmpretrain.RandomResizedCrop', scale=(16, 16)), dict(type='RandomFlip', prob=0.5)]
        steps = [dict(type='mmt2ireid.LoadPersonImage'), dict(type='mmt2ireid.ExtraViews', views=[crop, crop])]
        dataset = CUHKPEDES(
            data_root=str(tmp_path), ann_file='reid_raw.json', split='train', unit='pair',
            pipeline=[*steps, dict(type='RandomFlip', prob=0.5), dict(type='mmt2ireid.PackPersonInputs')],
        )  # fmt: skip
        found = []
        for workers in (0, 1, 2):
            torch.manual_seed(3)
            loader = torch.utils.data.DataLoader(
                dataset, batch_size=2, num_workers=workers, collate_fn=list, sampler=PairSampler(dataset, seed=5)
            )
            found.append([sample['data_samples'].views for batch in loader for sample in batch])
        for other in found[1:]:
            for mine, theirs in zip(found[0], other, strict=True):
                assert all(map(torch.equal, mine, theirs)) and len(mine) == 2

    def test_what_a_view_changes_in_place_stays_in_the_view(self):
        def paint(results):
            results['img'][:] = 7
            return results

        transform = ExtraViews([[], []])
        transform.views = [paint, transform.views[1]]
        results = transform(item())
        assert (results['views'][0] == 7).all() and np.array_equal(results['views'][1], PICTURE)
        assert np.array_equal(results['img'], PICTURE)

    def test_views_differ_and_follow_the_seed(self):
        from mmt2ireid.datasets.seeding import seeded_rng

        crop = [dict(type='mmpretrain.RandomResizedCrop', scale=(16, 16)), dict(type='RandomFlip', prob=0.5)]
        pipeline = Compose([dict(type='mmt2ireid.ExtraViews', views=[crop, crop])])
        found = []
        for seed in (1, 1, 2):
            with seeded_rng(seed):
                found.append(pipeline(item())['views'])
        assert all(map(np.array_equal, found[0], found[1]))
        assert not np.array_equal(*found[0]) and not np.array_equal(found[0][0], found[2][0])

    def test_bad_settings(self):
        for views in ([], [dict(type='RandomFlip')]):
            with pytest.raises(ValueError, match='views must be a list of pipelines'):
                ExtraViews(views)
        transform = ExtraViews([[]])
        transform.views = [lambda results: None]
        with pytest.raises(ValueError, match=r'a\.png: the pipeline of view 0 must give a picture'):
            transform(item())
        with pytest.raises(ValueError, match=r'a\.png: the picture must be uint8'):
            PackPersonInputs()(item(views=[PICTURE.astype(np.float32)]))


class TestOtherWordings:
    @pytest.fixture
    def write(self, tmp_path):
        def write(content):
            path = tmp_path / 'reid.json'
            path.write_text(content if isinstance(content, str) else json.dumps(content))
            return path

        return write

    def test_share(self, write):
        path = write(
            [dict(captions=['a', 'b'], captions_bt=['A', '']), dict(captions=['c', 'a'], captions_bt=['C', 'second'])]
        )
        transform = TRANSFORMS.build(dict(type='mmt2ireid.OtherWordings', file=path, prob=0.25))
        torch.manual_seed(0)
        found = [transform(dict(captions=['a', 'b', 'c']))['captions'] for _ in range(4000)]
        for place, other in enumerate('AbC'):
            share = sum(captions[place] == other for captions in found) / len(found)
            assert share == pytest.approx(1.0 if other == 'b' else 0.25, abs=0.03)
        torch.manual_seed(0)
        assert transform(dict(captions=['a', 'b', 'c']))['captions'] == found[0]
        assert 'prob=0.25' in repr(transform)

    def test_a_caption_that_is_not_in_the_file_is_named(self, write):
        transform = OtherWordings(write([dict(captions=['a'], captions_bt=['A'])]), prob=1.0)
        with pytest.raises(ValueError, match=r"x\.png: .*reid\.json must hold its captions, but lacks 'z'"):
            transform(dict(img_path='x.png', captions=['z']))

    @pytest.mark.parametrize(
        ('content', 'message'),
        [
            ('[{', r'reid\.json: .* it is no JSON'),
            ({}, 'must hold a list of records, but holds a dict'),
            ([dict(captions=['a'])], r"record 0, field 'captions_bt': must be a list of texts, but got None"),
            ([['a']], r"record 0, field 'captions': must be a list of texts"),
            ([dict(captions=['a'], captions_bt=[3])], r"field 'captions_bt': must be a list of texts, but got \[3\]"),
            (
                [dict(captions=['a', 'b'], captions_bt=['A'])],
                'record 0: captions_bt must be as many as captions, 2',
            ),
        ],
    )
    def test_bad_files(self, write, content, message):
        with pytest.raises(ValueError, match=message):
            OtherWordings(write(content))

    def test_bad_settings(self, write, tmp_path):
        with pytest.raises(ValueError, match='prob must be above 0'):
            OtherWordings(write([]), prob=0)
        with pytest.raises(FileNotFoundError):
            OtherWordings(tmp_path / 'none.json')
