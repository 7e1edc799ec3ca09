"""Clustering before every epoch: what it writes, says, refuses, and that a killed run ends as one never killed."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from cmmt_parts import CLUSTERING, IMAGES, TinyPeople, tiny_cmmt
from mmengine.runner import Runner
from test_resume_exact import assert_same_end, crash
from tiny_config import write_config

from mmt2ireid.compat import load_from_local
from mmt2ireid.engine.hooks import clustering
from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.labeling import cross_modal_agreement, label_quality, pseudo_labels, refine_labels


@pytest.fixture
def make(tmp_path, monkeypatch):
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)
    return lambda **changes: tiny_cmmt(tmp_path / 'work', **changes)


def train(cfg) -> Runner:
    def keep(runner):
        runner.train()
        return runner

    return run(cfg, keep)


def log_of(tmp_path) -> str:
    return next((tmp_path / 'work').glob('*/*.log')).read_text()


def shallow(dataset: dict, **changes) -> dict:
    return dict(dataloader=dict(CLUSTERING['dataloader'], dataset=dict(CLUSTERING['dataloader']['dataset'], **changes)))


def test_killed_run_ends_as_one_never_killed(tmp_path):
    cfg = tiny_cmmt(tmp_path / 'unused', epochs=4)
    cfg.custom_hooks.append(dict(type='DieClusteringHook'))
    cfg.custom_hooks.append(dict(type='HeadWarmupHook', heads=['memory'], epochs=1))
    plans = ['cluster:1', 'cluster:2+cluster:1', 'train:8', 'val:1+train:9', 'whole:6']
    crash(write_config(tmp_path / 'crash.py', cfg), tmp_path, plans)
    for plan in plans:
        assert_same_end(tmp_path / 'never', tmp_path / plan)
    last = load_from_local(str(tmp_path / 'never/epoch_4.pth'))
    state, scalars = last['state_dict'], last['message_hub']['log_scalars']
    assert state['heads.memory._threshold_bits'].view(torch.float64).isfinite().all()
    assert (state['heads.memory.img_memory.labels'] >= 0).any()
    assert (state['heads.memory.txt_memory.labels'] >= 0).any()
    assert state['heads.memory.txt_memory.features'].any()
    assert len(scalars['clusters/img_clusters']['values']) == 3  # the first epoch is without


def test_labels_are_those_of_the_features(make):
    """Against a second extraction, image by image and caption by caption, at the same weights."""
    runner = build_runner(make(epochs=1))
    hook = next(hook for hook in runner.hooks if isinstance(hook, clustering.ClusteringHook))
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    hook.before_train(runner)
    model, head = runner.model.eval(), runner.model.heads['memory']
    people = TinyPeople(unit='image')
    img, txt, image_of = [], [], []
    with torch.no_grad():
        for item in (people[n] for n in range(IMAGES)):
            inputs = model.data_preprocessor(dict(inputs=[item['inputs']], data_samples=[item['data_samples']]))
            features = model.extract(inputs['inputs'])
            img.append(features.img_embed)
            txt.append(features.txt_embed)
            image_of += [item['data_samples'].image_id] * len(features.txt_embed)
    img, txt = torch.cat(img), torch.cat(txt)
    model.train()
    hook.before_train_epoch(runner)
    assert model.training
    for memory, rows in ((head.img_memory, img), (head.txt_memory, txt)):
        torch.testing.assert_close(memory.features, torch.nn.functional.normalize(rows, dim=1))
    options = dict(k1=4, k2=2, eps=0.5, min_samples=2)
    one, two = pseudo_labels(img, **options), pseudo_labels(txt, **options)
    wanted = refine_labels(one.labels, two.labels, np.array(image_of), img, txt)
    assert head.img_memory.labels.tolist() == wanted[0].tolist()
    assert head.txt_memory.labels.tolist() == wanted[1].tolist()
    assert head.thresholds.tolist() == [one.threshold, two.threshold]
    # Frozen, and passed on.
    given = []
    original = clustering.pseudo_labels
    clustering.pseudo_labels = lambda rows, **kwargs: (given.append(kwargs['threshold']), original(rows, **kwargs))[1]
    try:
        hook.before_train_epoch(runner)
    finally:
        clustering.pseudo_labels = original
    assert given == [one.threshold, two.threshold]


def test_memories_can_be_clustered(make, tmp_path, monkeypatch):
    """As in SpCL's code: extracted once, then what training left in the memories; the same after a resume."""
    extracted, seen, label = [], [], clustering.ClusteringHook._label
    extract = clustering.TrainingFeatures.extract

    def note_extraction(self, model, *args, **kwargs):
        extracted.append(1)
        return extract(self, model, *args, **kwargs)

    def note_features(self, features):
        memories = self.head.img_memory, self.head.txt_memory
        seen.append([torch.equal(rows, memory.features) for rows, memory in zip(features, memories, strict=True)])
        return label(self, features)

    monkeypatch.setattr(clustering.TrainingFeatures, 'extract', note_extraction)
    monkeypatch.setattr(clustering.ClusteringHook, '_label', note_features)
    whole = train(make(epochs=3, clustering=dict(features='memory'))).model.state_dict()
    assert len(extracted) == 1
    assert seen == [[False, False], [True, True], [True, True]]  # the first ones get unit length in the memories
    cfg = make(epochs=3, clustering=dict(features='memory'), resume=True)
    cfg.load_from = str(tmp_path / 'work/epoch_2.pth')
    resumed = train(cfg).model.state_dict()
    assert len(extracted) == 1 and all(torch.equal(value, resumed[key]) for key, value in whole.items())


def test_independence_reaches_the_criterion(make, monkeypatch):
    given, original = [], clustering.pseudo_labels
    note = lambda rows, **kwargs: (given.append(kwargs['independence']), original(rows, **kwargs))[1]  # noqa: E731
    monkeypatch.setattr(clustering, 'pseudo_labels', note)
    for value in ('best', ('worst', 'best')):
        train(make(epochs=1, clustering=dict(independence=value)))
    assert given == ['best', 'best', 'worst', 'best']


def test_what_is_said(make, tmp_path):
    runner = train(make(epochs=2))
    lines = re.findall(r'epoch \d, (?:img|txt) before and after refinement: .*', log_of(tmp_path))
    assert len(lines) == 4
    keys = ('clusters', 'unclustered_share', 'mean_size', 'median_size', 'max_size')
    quality = ('nmi', 'ari', 'pair_precision', 'pair_recall')
    for line in lines:
        assert all(
            re.search(rf'\b{key} [\d.e-]+(nan)? -> [\d.e-]+', line) for key in (*keys, 'nmi', 'ari', 'pair_recall')
        )
    scalars = runner.message_hub.log_scalars
    head = runner.model.heads['memory']
    for name, unit, memory in (('img', 'image', head.img_memory), ('txt', 'pair', head.txt_memory)):
        wanted = label_quality(memory.labels.numpy(), TinyPeople(unit=unit).pids)
        for key in quality:
            assert scalars[f'clusters/{name}_{key}'].current() == pytest.approx(wanted[key], nan_ok=True)
        assert scalars[f'clusters/{name}_clusters'].current() == memory.num_clusters > 0
        assert scalars[f'clusters/{name}_clusters'].data[1].tolist() == [1, 1]
    agreements = scalars['clusters/agreement'].data[0].tolist()
    said = re.findall(r'epoch \d: clusters of images and of captions agree by ([\d.e-]+)', log_of(tmp_path))
    assert [f'{value:.4g}' for value in agreements] == said and len(said) == 2
    assert 0 < scalars['clusters/clustered_in_both'].current() <= 1
    (file,) = (tmp_path / 'work').glob('*/vis_data/scalars.json')
    drawn = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row['clusters/agreement'] for row in drawn if 'clusters/agreement' in row] == pytest.approx(agreements)


def test_agreement_is_that_before_refinement(make):
    runner = train(make(epochs=1))
    hook = next(hook for hook in runner.hooks if isinstance(hook, clustering.ClusteringHook))
    (_, labels) = hook.find_labels(runner.model)
    runner.message_hub.log_scalars.clear()
    hook._report(runner, labels)
    wanted = cross_modal_agreement(*labels.before, hook.image_of)
    assert runner.message_hub.get_scalar('clusters/clustered_in_both').current() == wanted['clustered_in_both']


def test_nothing_is_said_of_identities_that_are_not_known(make, tmp_path):
    unknown = dict(type='TinyPeople', known=False)
    changes = shallow(CLUSTERING, known=False)
    runner = train(make(epochs=1, clustering=changes, train_dataloader__dataset=unknown))
    assert 'unclustered_share' in log_of(tmp_path)
    for word in ('nmi', 'ari ', 'pair_'):
        assert word not in log_of(tmp_path).split('epoch 1, img before')[1].split('\n')[0]
    assert not [key for key in runner.message_hub.log_scalars if re.search('nmi|ari$|pair_', key)]
    assert 'nan' not in log_of(tmp_path).split('epoch 1, img before')[1].split('\n')[0]


def test_no_cluster_at_all(make, monkeypatch):
    """min_samples that no row reaches: everything is a class of its own, and no threshold is frozen."""
    runner = build_runner(make(epochs=2, clustering=dict(eps=0.03, min_samples=IMAGES)))
    with pytest.raises(ValueError, match='two clusters of images'):
        runner.train()
    head = runner.model.heads['memory']
    assert (head.img_memory.labels == -1).all() and (head.txt_memory.labels == -1).all()
    assert head.img_memory.class_count == IMAGES
    assert head.thresholds.isnan().all()
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())


def test_clusters_that_come_later_freeze_the_threshold(make, monkeypatch):
    original, calls = clustering.pseudo_labels, []

    def late(rows, **kwargs):
        calls.append(kwargs['threshold'])
        if len(calls) <= 2:
            kwargs['min_samples'] = 1000
        return original(rows, **kwargs)

    monkeypatch.setattr(clustering, 'pseudo_labels', late)
    head = train(make(epochs=3)).model.heads['memory']
    assert calls[:4] == [None] * 4 and None not in calls[4:]
    assert head.thresholds.tolist() == calls[4:]
    assert head.img_memory.num_clusters > 0


@pytest.mark.slow
def test_directions(make):
    """Without refinement the labels are those of the clustering."""
    seen = {}
    for directions in ((), ('v2t',), ('t2v',), ('v2t', 't2v')):
        head = train(make(epochs=1, clustering=dict(refine=directions))).model.heads['memory']
        seen[directions] = [int((memory.labels < 0).sum()) for memory in (head.img_memory, head.txt_memory)]
    none = seen[()]
    assert seen['v2t',][0] == none[0] and seen['t2v',][1] == none[1]
    assert seen['v2t', 't2v'] == [seen['t2v',][0], seen['v2t',][1]]
    assert seen['v2t', 't2v'] < none


def test_features_are_read_in_float32(make):
    """Where the whole run computes in bfloat16."""
    cfg = make(epochs=1)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        runner = train(cfg)
    for neck in (runner.model.img_neck, runner.model.txt_neck):
        before = neck.dtypes[: -(-IMAGES // 7)]
        assert set(before) == {(False, torch.float32)}
        assert (True, torch.bfloat16) in neck.dtypes


@pytest.mark.parametrize('epoch', [0, 1])
def test_features_that_are_not_finite(make, epoch):
    cfg = make(epochs=2)
    cfg.custom_hooks.append(dict(type='SpoilHook', epoch=epoch))
    with pytest.raises(ValueError, match='finite'):
        train(cfg)


def test_what_is_refused(make):
    captions = len(TinyPeople())
    cases = [
        (dict(model__heads__memory__num_images=3), rf"num_images of the head 'memory' must be {IMAGES}, but got 3"),
        (dict(model__heads__memory__num_captions=9), rf'num_captions of .* must be {captions}, but got 9'),
        (dict(model__heads__memory__dim=5), "dim of the head must be the width .*, 8, but got 5"),
        (dict(clustering=dict(head='none')), r"must name a MemoryHead .* got 'none' of \['memory', 'cpm'\]"),
        (dict(clustering=dict(head='cpm')), "must name a MemoryHead .* got 'cpm'"),
        (dict(clustering=shallow(CLUSTERING, unit='pair')), f"must have unit='image' and {IMAGES} items, but got"),
        (dict(clustering=shallow(CLUSTERING, keep=9)), f"must have unit='image' and {IMAGES} items, but got 9"),
        (dict(clustering=shallow(CLUSTERING, images=12)), r"training set must have unit='pair' and .* 12 images"),
        (dict(train_dataloader__dataset=dict(type='TinyPairs')), 'train_dataloader must be one person-text dataset'),
        (dict(clustering=dict(eps=0.01)), 'eps and eps_gap must be'),
    ]  # fmt: skip
    for changes, message in cases:
        cfg = make(**changes)
        cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook['type'] != 'NounPhraseHook']
        with pytest.raises(ValueError, match=message):
            train(cfg)
    dropping = dict(CLUSTERING['dataloader'], drop_last=True)
    with pytest.raises(ValueError, match=f'must give all {IMAGES} images, but left out 4'):
        train(make(clustering=dict(dataloader=dropping)))


def test_training_on_a_subset_is_refused(make):
    cfg = make(train_dataloader__dataset=dict(type='TinyPeople', keep=20))
    with pytest.raises(ValueError, match=r"training set must have unit='pair' .* and 20 items"):
        train(cfg)


def test_averages_of_mmengine_are_refused(make):
    """They would be of a model without phrases, and of another size."""
    cfg = make()
    cfg.custom_hooks.append(dict(type='EMAHook'))
    with pytest.raises(ValueError, match='ClusteringHook must be used without EMAHook'):
        train(cfg)


def test_iteration_based_runs_are_refused(make):
    cfg = make()
    cfg.train_cfg = dict(by_epoch=False, max_iters=4, val_interval=2)
    with pytest.raises(ValueError, match='ClusteringHook must be in an epoch-based run'):
        train(cfg)


def test_unknown_features():
    with pytest.raises(ValueError, match=r"features must be one of .* got 'both'"):
        clustering.ClusteringHook(dataloader={}, features='both')


@pytest.mark.parametrize('refine', ['v2t', ['v2v'], ['t2v', 'x']])
def test_unknown_directions(refine):
    with pytest.raises(ValueError, match='refine must be'):
        clustering.ClusteringHook(dataloader={}, refine=refine)


def test_main_process_says_which_step_runs(make, capsys, monkeypatch):
    monkeypatch.setattr(clustering, 'StepProgress', lambda title: step_progress(title))
    train(make(epochs=1))
    shown = capsys.readouterr().err
    for modality in ('img', 'txt'):
        for step in ('neighbours', 'weights', 'distances', 'clusters'):
            assert re.search(rf'clustering {modality}: {step}: 100%, \S+ %/s, 00:00 left', shown), step
    assert 'clustering: features: 25%' in shown and 'clustering: refinement: 100%' in shown


def step_progress(title):
    from mmt2ireid.engine.hooks.step_progress import StepProgress

    return StepProgress(title, plain_interval=0)


def test_warm_up(make, tmp_path):
    """Without the head nothing is clustered; its rows are filled when it joins, not before."""
    cfg = make(epochs=3)
    cfg.custom_hooks.insert(0, dict(type='HeadWarmupHook', heads=['memory'], epochs=2))
    runner = train(cfg)
    log = log_of(tmp_path)
    assert 'epoch 1: heads memory are off for 2 epochs' in log and 'epoch 3: heads memory are on' in log
    assert re.findall(r'epoch (\d), img before', log) == ['3']
    hub = runner.message_hub.log_scalars
    first = load_from_local(str(tmp_path / 'work/epoch_2.pth'))['state_dict']
    assert not first['heads.memory.img_memory.features'].any()
    assert len(hub['train/loss_cpm'].data[0]) == 3 * len(hub['train/loss_memory_img'].data[0])


def test_no_warm_up_changes_nothing(make, tmp_path):
    ends = []
    for hooks in ([], [dict(type='HeadWarmupHook', heads=['memory', 'cpm'], epochs=0)]):
        cfg = make(epochs=1)
        cfg.custom_hooks += hooks
        ends.append(train(cfg).model.state_dict())
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())


@pytest.mark.parametrize(
    'heads, epochs, message',
    [
        (['memory', 'hsm'], 1, r"heads must name heads of the model, \['memory', 'cpm'\], but got \['hsm'\]"),
        (['memory', 'cpm'], 1, 'must leave one head'),
        ('memory', 1, 'heads must be a list'),
        (['memory'], -1, 'epochs must be'),
    ],
)
def test_warm_up_refuses(make, heads, epochs, message):
    cfg = make()
    cfg.custom_hooks.append(dict(type='HeadWarmupHook', heads=heads, epochs=epochs))
    with pytest.raises(ValueError, match=message):
        train(cfg)


def test_a_number_of_a_head_grows_during_an_epoch(make):
    cfg = make(epochs=2)
    cfg.custom_hooks.append(dict(type='HeadRampHook', head='cpm', name='loss_weight', epochs=1))
    losses = train(cfg).message_hub.log_scalars['train/loss_cpm'].data[0]
    steps = len(losses) // 2
    assert losses[0] == 0 and all(loss > 0 for loss in losses[1:])
    assert losses[1] < losses[steps] / 2
