from __future__ import annotations

import datetime
import json

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.evaluator import Evaluator
from safetensors import safe_open

from mmt2ireid.compat import TEMP_FILE
from mmt2ireid.evaluation import RetrievalMetric, retrieval_metrics
from mmt2ireid.registry import METRICS
from mmt2ireid.structures import PersonSample

WIDTH = 8


def make_samples(num_images: int = 11, seed: int = 0, num_bare: int = 0) -> list[PersonSample]:
    """Images of four identities with one to three captions each, and others of six identities without captions."""
    rng = np.random.default_rng(seed)
    samples = []
    for image_id in range(num_images):
        num_captions = 1 + image_id % 3
        samples.append(
            PersonSample(
                pid=image_id % 4,
                image_id=image_id,
                img_path=f'imgs/{image_id}.png',
                captions=[f'caption {number} of {image_id}' for number in range(num_captions)],
                img_feat=torch.from_numpy(rng.normal(size=WIDTH)).float(),
                txt_feats=torch.from_numpy(rng.normal(size=(num_captions, WIDTH))).float(),
            )
        )
    for image_id in range(num_images, num_images + num_bare):
        samples.append(
            PersonSample(
                pid=image_id % 6,
                image_id=image_id,
                img_path=f'imgs/{image_id}.png',
                captions=[],
                img_feat=torch.from_numpy(rng.normal(size=WIDTH)).float(),
                txt_feats=torch.zeros(0, WIDTH),
            )
        )
    return samples


def expected_metrics(samples: list[PersonSample]) -> dict[str, float]:
    img_feats, img_pids = torch.stack([sample.img_feat for sample in samples]), [sample.pid for sample in samples]
    txt_feats = torch.cat([sample.txt_feats for sample in samples])
    txt_pids = [sample.pid for sample in samples for _ in sample.captions]
    t2i = retrieval_metrics(txt_feats, img_feats, txt_pids, img_pids)
    i2t = retrieval_metrics(img_feats, txt_feats, img_pids, txt_pids)
    return {**{f't2i/{k}': v for k, v in t2i.items()}, **{f'i2t/{k}': v for k, v in i2t.items()}}


def evaluate(metric: RetrievalMetric, samples: list[PersonSample], batch_size: int = 3) -> dict[str, float]:
    evaluator = Evaluator(metric)
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size], None)
    return evaluator.evaluate(len(samples))


def test_both_directions():
    samples = make_samples()
    metric = METRICS.build({'type': 'RetrievalMetric', 'directions': ('t2i', 'i2t')})
    found = evaluate(metric, samples)
    assert found == pytest.approx(expected_metrics(samples))
    assert list(found)[:5] == ['t2i/R1', 't2i/R5', 't2i/R10', 't2i/mAP', 't2i/mINP']
    assert 0 < found['t2i/mAP'] < 100
    only_t2i = evaluate(RetrievalMetric(prefix='val', topk=(2,), device='cpu'), samples)
    assert set(only_t2i) == {'val/t2i/R2', 'val/t2i/mAP', 'val/t2i/mINP'}


def naive(samples: list[PersonSample], direction: str, ignored: int | None = None) -> dict[str, float]:
    """R1, mAP and mINP, one query after the other; images of an ignored identity are passed over in every ranking."""
    images = [(sample.img_feat, sample.pid) for sample in samples if sample.pid != ignored]
    texts = [(feat, sample.pid) for sample in samples for feat in sample.txt_feats if sample.pid != ignored]
    described = [(sample.img_feat, sample.pid) for sample in samples if len(sample.txt_feats) and sample.pid != ignored]
    queries, gallery = (texts, images) if direction == 't2i' else (described, texts)
    found = []
    for query, pid in queries:
        order = sorted(gallery, key=lambda item: -float(torch.cosine_similarity(query, item[0], dim=0)))
        ranks = [rank for rank, item in enumerate(order, 1) if item[1] == pid]
        precision = np.mean([number / rank for number, rank in enumerate(ranks, 1)])
        found.append((ranks[0] == 1, precision, len(ranks) / ranks[-1]))
    return dict(
        zip((f'{direction}/{name}' for name in ('R1', 'mAP', 'mINP')), 100 * np.mean(found, axis=0), strict=True)
    )


def test_images_without_captions_are_in_the_gallery_and_no_queries():
    samples = make_samples(num_bare=9)
    metric = RetrievalMetric(directions=('t2i', 'i2t'), topk=(1,))
    expected = {**naive(samples, 't2i'), **naive(samples, 'i2t')}
    assert evaluate(metric, samples) == pytest.approx(expected, abs=1e-4)
    with_text = [sample for sample in samples if sample.captions]
    assert naive(with_text, 't2i') != pytest.approx(naive(samples, 't2i'))
    assert naive(with_text, 'i2t') == pytest.approx(naive(samples, 'i2t'))
    with pytest.raises(ValueError, match='the 9 images to evaluate must have captions, but none has'):
        evaluate(metric, samples[11:])


def test_leaving_junk_out_is_to_ignore_it_in_every_ranking():
    samples = make_samples(num_bare=9)
    metric = RetrievalMetric(directions=('t2i', 'i2t'), topk=(1,))
    expected = {**naive(samples, 't2i', ignored=2), **naive(samples, 'i2t', ignored=2)}
    assert evaluate(metric, [sample for sample in samples if sample.pid != 2]) == pytest.approx(expected, abs=1e-4)


def test_half_precision_features_are_kept_as_float32():
    samples = make_samples(4)
    for sample in samples:
        sample.img_feat, sample.txt_feats = sample.img_feat.half(), sample.txt_feats.half()
    metric = RetrievalMetric()
    metric.process(None, [sample.to_dict() for sample in samples])
    assert all(result['img_feat'].dtype == np.float32 for result in metric.results)
    assert [len(result['txt_feats']) for result in metric.results] == [1, 2, 3, 1]
    np.testing.assert_array_equal(metric.results[2]['txt_feats'], samples[2].txt_feats.float())


def test_order_of_arrival_does_not_matter():
    samples = make_samples()
    for sample in samples:  # everything ties: only the order of the gallery counts
        sample.img_feat, sample.txt_feats = torch.ones(WIDTH), torch.ones(len(sample.captions), WIDTH)
    assert evaluate(RetrievalMetric(), samples[::-1]) == evaluate(RetrievalMetric(), samples)


def test_out_file(tmp_path):
    samples = make_samples()
    out_file = tmp_path / 'new' / 'features.safetensors'
    evaluate(RetrievalMetric(out_file=str(out_file)), samples)
    with safe_open(out_file, framework='pt') as file:
        words = json.loads(file.metadata()['mmt2ireid.retrieval_features'])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert words['img_paths'] == [sample.img_path for sample in samples]
    assert words['captions'] == [caption for sample in samples for caption in sample.captions]
    assert torch.equal(tensors['img_feats'], torch.stack([sample.img_feat for sample in samples]))
    assert torch.equal(tensors['txt_feats'], torch.cat([sample.txt_feats for sample in samples]))
    assert tensors['pids'].tolist() == [sample.pid for sample in samples]
    assert tensors['txt_image'].tolist() == [i for i, sample in enumerate(samples) for _ in sample.captions]
    assert [path.name for path in out_file.parent.iterdir()] == ['features.safetensors']


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    out_file = tmp_path / 'features.safetensors'
    out_file.write_bytes(b'old')

    def fail(tensors, path, **kwargs):
        # A name by which the next run in the folder knows what a kill left behind.
        assert TEMP_FILE.match(path.name)
        raise OSError('disk full')

    monkeypatch.setattr('mmt2ireid.evaluation.feature_file.save_file', fail)
    with pytest.raises(OSError, match='disk full'):
        evaluate(RetrievalMetric(out_file=str(out_file)), make_samples())
    assert [path.name for path in tmp_path.iterdir()] == ['features.safetensors']
    assert out_file.read_bytes() == b'old'


def test_bad_configuration_is_named():
    with pytest.raises(ValueError, match='directions must be some of'):
        RetrievalMetric(directions=('t2t',))
    with pytest.raises(ValueError, match='directions must be some of'):
        RetrievalMetric(directions=())
    with pytest.raises(ValueError, match='topk must be positive integers'):
        RetrievalMetric(topk=(0,))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'pid': -1}, 'pid must be known'),
        ({'captions': ['one']}, 'each of the 1 captions, but got 2'),
        ({'txt_feats': torch.zeros(2, WIDTH + 1)}, r'but got \(8,\) and \(2, 9\)'),
        ({'img_feat': None}, 'must have img_feat'),
    ],
)
def test_bad_samples_are_named(change, message):
    sample = {**make_samples()[1].to_dict(), **change}
    with pytest.raises(ValueError, match=rf'image 1 \(imgs/1.png\).*{message}'):
        RetrievalMetric().process(None, [sample])


def test_an_image_that_comes_twice_is_an_error():
    samples = make_samples()
    with pytest.raises(ValueError, match=r'1 of 12 came twice, such as image 3 \(imgs/3.png\)'):
        evaluate(RetrievalMetric(), [*samples, samples[3]])


def _evaluate_on_rank(rank: int, world_size: int, folder: str, num_images: int) -> None:
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/rendezvous',
        rank=rank,
        world_size=world_size,
        timeout=datetime.timedelta(seconds=60),
    )
    try:
        samples = make_samples(num_images - 4, num_bare=4)
        per_rank = -(-num_images // world_size)  # padded with the first images, as DefaultSampler does
        mine = [samples[(rank + world_size * turn) % num_images] for turn in range(per_rank)]
        metric = RetrievalMetric(directions=('t2i', 'i2t'), out_file=f'{folder}/features.safetensors')
        metric.collect_dir = f'{folder}/collected'
        evaluator = Evaluator(metric)
        for start in range(0, per_rank, 2):
            evaluator.process(mine[start : start + 2], None)
        found = evaluator.evaluate(num_images)
        with open(f'{folder}/rank{rank}.json', 'w') as file:
            json.dump(found, file)
    finally:
        dist.destroy_process_group()


@pytest.mark.parametrize('num_images', [10, 11])
def test_two_ranks_equal_one(tmp_path, num_images):
    mp.spawn(_evaluate_on_rank, args=(2, str(tmp_path), num_images), nprocs=2)
    single = tmp_path / 'single.safetensors'
    expected = evaluate(
        RetrievalMetric(directions=('t2i', 'i2t'), out_file=str(single)), make_samples(num_images - 4, num_bare=4)
    )
    for rank in range(2):
        assert json.loads((tmp_path / f'rank{rank}.json').read_text()) == expected
    assert (tmp_path / 'features.safetensors').read_bytes() == single.read_bytes()
