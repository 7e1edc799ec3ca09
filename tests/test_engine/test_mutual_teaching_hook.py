"""Mutual mean teaching: labels, batches and teachers of a run; a killed one ends as one never killed."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from cmmt_parts import CLUSTERING, IMAGES, TinyPeople, tiny_cmmt
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmt_parts import tiny_mmt
from test_resume_exact import assert_same_end, crash
from tiny_config import write_config

from mmt2ireid.compat import load_from_local
from mmt2ireid.engine.checkpoint_fit import compare
from mmt2ireid.engine.hooks import MutualTeachingHook, mutual_teaching
from mmt2ireid.engine.launch import build_runner, run
from mmt2ireid.engine.options import use_amp
from mmt2ireid.labeling import cluster, jaccard_distance
from mmt2ireid.registry import MODELS


@pytest.fixture
def make(tmp_path, monkeypatch):
    from mmengine.runner import runner

    monkeypatch.setattr(runner, 'collect_env', dict)
    return lambda **changes: tiny_mmt(tmp_path / 'work', **changes)


class Watch(Hook):
    """Notes what the batches hold, and averages the networks in its own way."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.samples, self.averages, self.errors = [], None, []

    def before_train(self, runner):
        self.averages = [{}, {}]

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.samples.append((runner.epoch, [(s.image_id, s.sample_idx) for s in data_batch['data_samples']]))
        decay = min(1 - 1 / (runner.iter + 1), 0.999)
        for average, network, teacher in zip(self.averages, runner.model.networks, runner.model.teachers, strict=True):
            for key, value in network.state_dict().items():
                if value.is_floating_point():
                    average[key] = decay * average.get(key, 0) + (1 - decay) * value.double()
                    self.errors.append((teacher.state_dict()[key] - average[key]).abs().max())


def train(cfg, *hooks) -> Runner:
    def keep(runner):
        for hook in hooks:
            runner.register_hook(hook)
        runner.train()
        return runner

    return run(cfg, keep)


def hook_of(runner) -> MutualTeachingHook:
    return next(hook for hook in runner.hooks if isinstance(hook, MutualTeachingHook))


def log_of(tmp_path) -> str:
    return next((tmp_path / 'work').glob('*/*.log')).read_text()


def test_killed_run_ends_as_one_never_killed(tmp_path):
    cfg = tiny_mmt(tmp_path / 'unused', epochs=3)
    cfg.custom_hooks.append(dict(type='DieMutualHook'))
    plans = ['cluster:2', 'cluster:4+cluster:1+train:3', 'train:8', 'val:1+train:9', 'whole:3']
    crash(write_config(tmp_path / 'crash.py', cfg), tmp_path, plans)
    for plan in plans:
        assert_same_end(tmp_path / 'never', tmp_path / plan)
    last = load_from_local(str(tmp_path / 'never/epoch_3.pth'))
    state = last['state_dict']
    assert (state['heads.mutual.img_labels'] >= 0).any() and (state['heads.mutual.txt_labels'] >= 0).any()
    assert (state['heads.mutual.img_labels'] < 0).any()
    for key, value in state.items():
        if key.startswith('teachers.0.') and 'linear.weight' in key:
            assert not torch.equal(value, state[key.replace('teachers', 'networks')])


def test_labels_and_classifiers_are_those_of_the_teachers(make):
    """Against a second extraction, image by image and caption by caption, and clustering with the same settings."""
    runner = build_runner(make(epochs=1))
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    hook, model = hook_of(runner), runner.model
    hook.before_train(runner)
    for network in model.networks:  # what the networks are has no say
        network.img_neck.linear.weight.data.zero_()
    people, img, txt = TinyPeople(unit='image'), [], []
    with torch.no_grad():
        for item in (people[n] for n in range(IMAGES)):
            inputs = model.data_preprocessor(dict(inputs=[item['inputs']], data_samples=[item['data_samples']]))
            for place, key in ((img, 'img_embed'), (txt, 'txt_embed')):
                found = [F.normalize(getattr(part.extract(inputs['inputs']), key), dim=1) for part in model.teachers]
                place.append(F.normalize(found[0] + found[1], dim=1))
    img, txt = torch.cat(img), torch.cat(txt)
    model.train()
    # The optimiser has known other classifiers.
    optimizer = runner.optim_wrapper.optimizer
    for parameter in model.parameters():
        optimizer.state[parameter] = dict(step=torch.tensor(3.0))
    hook.before_train_epoch(runner)
    assert model.training and not model.teachers.training
    head = model.heads['mutual']
    forgotten = {id(parameter) for parameter in model.parameters() if parameter not in optimizer.state}
    assert forgotten == {id(parameter) for parameter in head.parameters()} and len(forgotten) == 4
    for rows, labels, name in ((img, head.img_labels, 'img'), (txt, head.txt_labels, 'txt')):
        wanted = cluster(jaccard_distance(rows, 4, 2, 0.2), 0.2, 2)
        assert np.bincount(wanted[wanted >= 0]).min() >= 2
        assert labels.tolist() == wanted.tolist() and wanted.max() > 0
        centroid = F.normalize(rows[labels == 0].mean(0), dim=0)
        torch.testing.assert_close(head.students[1][name].weight[0], centroid)


def test_batches_teachers_and_what_is_said(make, tmp_path):
    watch = Watch()
    cfg = make(epochs=2)
    runner = train(cfg, watch)
    assert max(watch.errors) < 1e-5
    log = log_of(tmp_path)
    said = re.findall(r'epoch (\d): (\d+) of (\d+) pairs are left out.* others, (\d+) captions are un-clustered', log)
    assert [line[0] for line in said] == ['1', '2']
    head, pairs = runner.model.heads['mutual'], TinyPeople()._image_of
    last = [drawn for epoch, batch in watch.samples if epoch == 1 for drawn in batch]
    of_pairs = head.img_labels[torch.from_numpy(pairs)]
    assert int(said[1][1]) == int((of_pairs < 0).sum()) > 0 and int(said[1][2]) == len(pairs)
    assert int(said[1][3]) == int(((of_pairs >= 0) & (head.txt_labels < 0)).sum())
    assert runner.message_hub.get_scalar('clusters/pairs_left_out').current() == int(said[1][1])
    assert all(head.img_labels[image] >= 0 for image, _ in last)
    for epoch, batch in watch.samples:
        if epoch == 1:
            assert len({int(head.img_labels[image]) for image, _ in batch}) == 2
    assert len(watch.samples) == 2 * (len(pairs) // 8)
    lines = re.findall(r'epoch \d, (?:img|txt): .*', log)
    assert len(lines) == 4 and all('clusters' in line and 'ari' in line and '->' not in line for line in lines)
    losses = {key for key in runner.message_hub.log_scalars if key.startswith('train/loss_')}
    kinds = ('id', 'soft_id', 'triplet', 'soft_triplet')
    assert losses == {'train/loss_cpm', *(f'train/loss_{kind}_{name}' for kind in kinds for name in ('img', 'txt'))}


def test_accumulated_gradients_count_steps(make):
    """The teachers are means of the networks after each step of the optimiser, the first of which makes copies."""

    seen, errors = [], []

    class Mean(Hook):
        priority = 'VERY_LOW'

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if runner.iter % 5 == 4 or runner.iter == runner.max_iters - 1:
                seen.append(runner.model.networks[1].txt_neck.linear.weight.detach().clone())
            if seen:
                errors.append((runner.model.teachers[1].txt_neck.linear.weight - torch.stack(seen).mean(0)).abs().max())

    runner = train(make(epochs=2, optim_wrapper__accumulative_counts=5, optim_wrapper__optimizer__lr=0.1), Mean())
    assert runner.max_iters % 5 and len(seen) == runner.max_iters // 5 + 1 > 2  # the last step has fewer
    assert max(errors) < 1e-5 < (seen[0] - seen[1]).abs().max()


def test_eps_of_the_closest_pairs_is_frozen_at_the_first_clustering(make, tmp_path):
    """As in MMT's code, and the same after a resume; the optimizer forgets everything at every epoch if asked to."""
    changes = dict(eps_share=0.02, reset_optimizer=True)
    steps, used = [], []

    class Steps(Hook):
        def after_train_epoch(self, runner):
            state = runner.optim_wrapper.optimizer.state
            steps.append({int(entry['step']) for entry in state.values()})
            used.append(runner.model.heads['mutual'].eps.tolist())

    whole = train(make(epochs=3, mutual=changes), Steps())
    length = len(whole.train_dataloader)
    assert all(max(found) == length for found in steps)
    assert used[0] == used[1] == used[2] and all(0 < eps < 1 for eps in used[0])
    cfg = make(epochs=3, mutual=changes, resume=True)
    cfg.load_from = str(tmp_path / 'work/epoch_2.pth')
    resumed = train(cfg).model.state_dict()
    assert all(torch.equal(value, resumed[key]) for key, value in whole.model.state_dict().items())
    hook = MutualTeachingHook(dataloader={}, eps=0.4, k1=6, k2=2)
    hook.head = whole.model.heads['mutual']
    labels = hook._label((torch.randn(IMAGES, 8), torch.randn(IMAGES, 8)))
    assert labels.thresholds == (0.4, 0.4), 'without eps_share the frozen one does not hold'


def test_shares_that_do_not_fit_are_refused(make):
    with pytest.raises(ValueError, match='eps_share must be between 0 and 1 or None, but got 0'):
        MutualTeachingHook(dataloader={}, eps_share=0)
    with pytest.raises(ValueError, match=r'eps_share must be of pairs of images that share neighbors, but got 0.99'):
        train(make(epochs=1, mutual=dict(eps_share=0.99)))


def test_no_cluster_at_all(make, tmp_path):
    watch = Watch()
    runner = build_runner(make(epochs=2, mutual=dict(eps=0.03, min_samples=IMAGES)))
    runner.register_hook(watch)
    with pytest.raises(ValueError, match='two clusters of images'):
        runner.train()
    head = runner.model.heads['mutual']
    assert (head.img_labels == -1).all() and (head.txt_labels == -1).all()
    assert log_of(tmp_path).count('0 clusters of images are too few for a batch; all pairs are drawn') == 2
    assert np.isfinite(runner.message_hub.get_scalar('train/loss').current())
    drawn = [pair for epoch, batch in watch.samples if epoch == 1 for _, pair in batch]
    assert len(set(drawn)) == len(drawn) == len(TinyPeople()) // 8 * 8


def test_small_clusters_are_dissolved(make):
    labels = np.array([0, 1, 0, -1, 2, 0, 2, 2, 1])
    assert mutual_teaching._large(labels, 3).tolist() == [0, -1, 0, -1, 1, 0, 1, 1, -1]
    assert mutual_teaching._large(labels, 2).tolist() == labels.tolist()
    assert mutual_teaching._large(labels * 0 - 1, 2).tolist() == [-1] * 9
    head = train(make(epochs=1, model__heads__mutual__min_cluster_size=3)).model.heads['mutual']
    assert torch.bincount(head.txt_labels[head.txt_labels >= 0]).min() >= 3


def test_warm_up_and_mixed_precision(make, tmp_path):
    cfg = make(epochs=2)
    cfg.custom_hooks.insert(0, dict(type='HeadWarmupHook', heads=['mutual'], epochs=1))
    use_amp(cfg)
    runner = train(cfg)
    assert re.findall(r'epoch (\d), img:', log_of(tmp_path)) == ['2']
    neck = runner.model.networks[0].img_neck
    assert (True, torch.bfloat16) in neck.dtypes
    teachers = [dtype for training, dtype in runner.model.teachers[0].img_neck.dtypes if not training]
    assert torch.float32 in teachers  # clustering


def test_features_that_are_not_finite(make):
    cfg = make(epochs=1)
    runner = build_runner(cfg)
    for part in runner.model.teachers:
        part.txt_neck.linear.weight.fill_(torch.nan)
    runner.model.init_weights = lambda: None
    with pytest.raises(ValueError, match='finite'):
        runner.train()


def test_start_from_a_plain_checkpoint(make, tmp_path):
    """As the guard of checkpoints sees it, and as it is loaded."""
    plain = MODELS.build(tiny_cmmt(tmp_path / 'other').model)
    path = tmp_path / 'plain.pth'
    torch.save(dict(state_dict=plain.state_dict()), path)
    cfg = make(epochs=1, load_from=str(path), optim_wrapper__optimizer__lr=0.0)
    difference = compare(MODELS.build(cfg.model), plain.state_dict())
    assert all(key.startswith('heads.') for key in difference.missing) and not difference.misshapen
    trained = train(cfg).model
    wanted = plain.state_dict()['txt_neck.linear.weight']
    for part in (*trained.networks, *trained.teachers):
        assert torch.equal(part.txt_neck.linear.weight, wanted)


def test_what_is_refused(make):
    captions = len(TinyPeople())
    plain = tiny_cmmt('unused').model
    dropping = dict(CLUSTERING['dataloader'], drop_last=True)
    cases = [
        (dict(model__heads__mutual__num_images=9), rf"num_images of the head 'mutual' must be {IMAGES}, but got 9"),
        (dict(model__heads__mutual__num_captions=9), rf'num_captions of .* must be {captions}, but got 9'),
        (dict(model__heads__mutual__dim=5), 'dim of the head must be the width .*, 8, but got 5'),
        (dict(mutual=dict(head='cpm')), "must name a MutualTeachingHead .* got 'cpm'"),
        (dict(mutual=dict(dataloader=dropping)), 'must give all .* images'),
    ]
    for changes, message in cases:
        with pytest.raises(ValueError, match=message):
            train(make(**changes))
    cfg = make()
    cfg.train_cfg = dict(by_epoch=False, max_iters=4, val_interval=2)
    with pytest.raises(ValueError, match='MutualTeachingHook must be in an epoch-based run'):
        train(cfg)
    cfg = make()
    cfg.train_dataloader.sampler = dict(type='mmengine.DefaultSampler', shuffle=True)
    with pytest.raises(ValueError, match='sampler must be a PseudoLabelSampler, but got DefaultSampler'):
        train(cfg)
    cfg = make()
    cfg.model = dict(plain, heads=cfg.model.heads)
    with pytest.raises(ValueError, match='model must be a MutualTeaching, but got DualEncoder'):
        train(cfg)
