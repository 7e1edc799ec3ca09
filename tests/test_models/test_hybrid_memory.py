import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from cmmt_builders import features_of, targets_of
from mmengine.runner.checkpoint import load_state_dict
from test_no_host_sync import NoHostSync
from torch.autograd import gradcheck

from mmt2ireid.models.layers import HybridMemory
from mmt2ireid.models.losses import memory_contrastive_loss
from mmt2ireid.registry import MODELS

N, D = 10, 4
LABELS = torch.tensor([2, -1, 0, 2, 5, -1, 0, 2, 5, -1])  # clusters 0, 2, 5 and three un-clustered
MEMBERS = [[2, 6], [0, 3, 7], [4, 8], [1], [5], [9]]
TAU = 0.05


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def build(labels=LABELS, dtype=torch.float64, **arguments):
    memory = HybridMemory(N, D, **arguments).to(dtype)
    memory.set_features(draw(N, D, seed=1))
    memory.set_labels(labels)
    return memory


def members_of(labels):
    """Classes by loops: clusters in the order of their labels, then the un-clustered."""
    labels = labels.tolist()
    clusters = [[i for i, y in enumerate(labels) if y == label] for label in sorted(set(labels) - {-1})]
    return clusters + [[i] for i, y in enumerate(labels) if y == -1]


def unit(row):
    length = math.sqrt(sum(x * x for x in row))
    return [x / length for x in row]


def naive_loss(rows, members, embed, index, temperature=TAU):
    """Eq. 1 with loops, in float64."""
    rows = rows.double().tolist()
    centroids = [[sum(rows[i][d] for i in group) / len(group) for d in range(D)] for group in members]
    total = 0.0
    for f, i in zip(embed.double().tolist(), index.tolist(), strict=True):
        logits = [sum(x * y for x, y in zip(unit(f), c, strict=True)) / temperature for c in centroids]
        highest = max(logits)
        log_sum = highest + math.log(sum(math.exp(logit - highest) for logit in logits))
        total += log_sum - logits[next(k for k, group in enumerate(members) if i in group)]
    return total / len(embed)


def naive_update(rows, embed, index, momentum=0.2):
    """The rule with loops: the mean of an instance's features, then one update."""
    rows = rows.double().tolist()
    found = {}
    for f, i in zip(embed.double().tolist(), index.tolist(), strict=True):
        found.setdefault(i, []).append(unit(f))
    for i, feats in found.items():
        mean = [sum(f[d] for f in feats) / len(feats) for d in range(D)]
        rows[i] = unit([momentum * m + (1 - momentum) * f for m, f in zip(rows[i], mean, strict=True)])
    return torch.tensor(rows, dtype=torch.float64)


ONE, NONE = torch.zeros(N, dtype=torch.int64), torch.full((N,), -1)


class TestClasses:
    @pytest.mark.parametrize('labels', [LABELS, ONE, NONE, torch.arange(N), LABELS.clamp(max=0)])
    def test_centroids_then_the_unclustered(self, labels):
        memory, members = build(labels), members_of(labels)
        expected = torch.stack([memory.features[group].mean(0) for group in members])
        torch.testing.assert_close(memory.classes(), expected)
        assert memory.class_count == len(members)
        assert memory.num_clusters == sum(labels[group[0]] >= 0 for group in members)
        for number, group in enumerate(members):
            assert memory.class_of(torch.tensor(group)).tolist() == [number] * len(group)

    def test_members_are_as_thought(self):
        assert members_of(LABELS) == MEMBERS

    def test_centroids_are_shorter_than_one(self):
        norms = build().classes().norm(dim=1)
        assert (norms[:3] < 0.99).all()
        torch.testing.assert_close(norms[3:], torch.ones(3, dtype=torch.float64))

    def test_unclustered_rows_are_the_rows(self):
        memory = build(dtype=torch.float32)
        assert torch.equal(memory.classes()[3:], memory.features[[1, 5, 9]])

    def test_a_large_memory_equals_index_add(self):
        generator = torch.Generator().manual_seed(0)
        memory = HybridMemory(5000, 8)
        memory.set_features(torch.randn(5000, 8, generator=generator))
        labels = torch.randint(-1, 700, (5000,), generator=generator)
        memory.set_labels(labels)
        index = memory.class_of(torch.arange(5000))
        sums = torch.zeros(memory.class_count, 8, dtype=torch.float64).index_add_(0, index, memory.features.double())
        counts = torch.bincount(index)
        torch.testing.assert_close(memory.classes().double(), sums / counts[:, None], atol=1e-6, rtol=1e-6)


class TestLoss:
    @pytest.mark.parametrize('labels', [LABELS, ONE, NONE, torch.arange(N)])
    @pytest.mark.parametrize('index', [[3], [3, 1, 4, 9, 3, 1], list(range(N))])
    def test_equals_naive(self, labels, index):
        memory, index = build(labels), torch.tensor(index)
        embed = 3 * draw(len(index), D, seed=2)
        expected = naive_loss(memory.features, members_of(labels), embed, index)
        assert memory.loss(embed, index).item() == pytest.approx(expected, abs=1e-9)

    def test_one_cluster_has_nothing_to_tell_apart(self):
        assert build(ONE).loss(draw(3, D), torch.arange(3)) == 0

    def test_defaults_are_the_papers(self):
        memory = HybridMemory(N, D)
        assert (memory.momentum, memory.temperature) == (0.2, 0.05)
        assert memory_contrastive_loss(draw(2, D), draw(3, D), torch.tensor([0, 2])) == memory_contrastive_loss(
            draw(2, D), draw(3, D), torch.tensor([0, 2]), temperature=0.05
        )

    def test_temperature(self):
        memory, index = build(temperature=0.5), torch.tensor([0, 1])
        expected = naive_loss(memory.features, MEMBERS, draw(2, D), index, 0.5)
        assert memory.loss(draw(2, D), index).item() == pytest.approx(expected)

    def test_gradients_flow_through_the_features_only(self):
        memory, index = build().eval(), torch.tensor([0, 1, 8])
        embed = draw(3, D, seed=3).requires_grad_()
        assert gradcheck(lambda x: memory.loss(x, index), (embed,))
        assert not memory.features.requires_grad and not list(memory.parameters())

    def test_the_update_does_not_disturb_the_gradient(self):
        index, gradients = torch.tensor([0, 1, 8]), []
        for training in (True, False):
            embed = draw(3, D, seed=3).requires_grad_()
            build().train(training).loss(embed, index).backward()
            gradients.append(embed.grad)
        assert torch.equal(*gradients)

    def test_order_of_the_batch_does_not_matter(self):
        index, embed = torch.tensor([3, 1, 4, 9, 3]), draw(5, D)
        order = torch.tensor([4, 2, 0, 1, 3])
        first, second = build(), build()
        torch.testing.assert_close(first.loss(embed, index), second.loss(embed[order], index[order]))
        torch.testing.assert_close(first.features, second.features)

    @pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
    def test_autocast_costs_no_precision(self, dtype):
        memory, index = build(dtype=torch.float32), torch.tensor([3, 1])
        embed = draw(2, D, dtype=dtype)
        expected = naive_loss(memory.features, MEMBERS, embed, index)
        rows = naive_update(memory.features, embed, index)
        with torch.autocast('cpu', torch.bfloat16):
            value = memory.loss(embed, index)
        assert value.dtype == memory.features.dtype == torch.float32
        assert value.item() == pytest.approx(expected, abs=1e-5)
        torch.testing.assert_close(memory.features.double(), rows, atol=1e-6, rtol=1e-6)

    def test_an_empty_memory(self):
        with pytest.raises(RuntimeError, match='set_features must be called'):
            HybridMemory(N, D).loss(draw(2, D), torch.tensor([0, 1]))

    @pytest.mark.parametrize('index', [-1, N])
    def test_an_unknown_instance(self, index):
        with pytest.raises((IndexError, RuntimeError)):
            build().loss(draw(2, D), torch.tensor([0, index]))

    def test_no_step_waits_for_the_device(self):
        memory, index = build(), torch.tensor([3, 1, 3])
        with NoHostSync():
            memory.loss(draw(3, D).requires_grad_(), index).backward()


class TestUpdate:
    @pytest.mark.parametrize('momentum', [0.0, 0.2, 1.0])
    @pytest.mark.parametrize('index', [[3], [3, 1, 4], [3, 1, 3], [7, 7, 7], [2, 5, 2, 5, 5, 0]])
    def test_equals_naive(self, index, momentum):
        memory, index = build(momentum=momentum), torch.tensor(index)
        before, embed = memory.features.clone(), 3 * draw(len(index), D, seed=4)
        memory.loss(embed, index)
        torch.testing.assert_close(memory.features, naive_update(before, embed, index, momentum))
        others = torch.ones(N, dtype=torch.bool).index_fill_(0, index, False)
        assert torch.equal(memory.features[others], before[others])
        torch.testing.assert_close(memory.features.norm(dim=1), torch.ones(N, dtype=torch.float64))

    def test_the_loss_is_that_of_the_old_rows_and_classes_follow_the_new(self):
        memory, index = build(), torch.tensor([0, 3])
        before = memory.features.clone()
        value = memory.loss(draw(2, D), index)
        assert value.item() == pytest.approx(naive_loss(before, MEMBERS, draw(2, D), index))
        torch.testing.assert_close(memory.classes()[1], memory.features[[0, 3, 7]].mean(0))

    def test_not_in_evaluation_mode(self):
        memory = build().eval()
        before = memory.features.clone()
        memory.loss(draw(2, D), torch.tensor([0, 3]))
        assert torch.equal(memory.features, before)

    def test_equal_rows_are_equal_to_the_last_bit_whatever_their_order(self):
        """In float32; were one instance written twice with two values, the last writer would win."""
        index = torch.tensor([2, 2, 4, 2, 4])
        embed = draw(5, D, dtype=torch.float32)
        results = []
        for order in ([0, 1, 2, 3, 4], [0, 1, 3, 2, 4], [2, 0, 1, 4, 3]):  # each keeps the order within an instance
            memory = build(dtype=torch.float32)
            memory.update(embed[order], index[order])
            results.append(memory.features)
        assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


class TestState:
    def test_features_and_labels_are_saved_and_no_more(self):
        assert build().state_dict().keys() == {'features', 'labels'}

    @pytest.mark.parametrize('load', [torch.nn.Module.load_state_dict, load_state_dict])
    def test_a_loaded_memory_goes_on_as_the_saved_one(self, load):
        saved, loaded = build(), HybridMemory(N, D).to(torch.float64)
        saved.loss(draw(3, D), torch.tensor([0, 1, 8]))
        holder, other = torch.nn.ModuleDict(dict(memory=saved)), torch.nn.ModuleDict(dict(memory=loaded))
        load(other, holder.state_dict())
        assert loaded.num_clusters == 3 and loaded.class_count == 6
        embed, index = draw(4, D, seed=6), torch.tensor([2, 2, 5, 7])
        assert torch.equal(saved.loss(embed, index), loaded.loss(embed, index))
        assert torch.equal(saved.features, loaded.features)

    def test_an_empty_memory_stays_empty(self):
        loaded = HybridMemory(N, D)
        loaded.load_state_dict(HybridMemory(N, D).state_dict())
        with pytest.raises(RuntimeError, match='The memory is empty'):
            loaded.loss(draw(2, D), torch.tensor([0, 1]))

    def test_labels_can_change(self):
        memory = build()
        memory.set_labels(NONE)
        assert (memory.num_clusters, memory.class_count) == (0, N)
        memory.set_labels(ONE)
        assert (memory.num_clusters, memory.class_count) == (1, 1)
        assert torch.equal(memory.labels, ONE)

    def test_features_are_brought_to_unit_length(self):
        torch.testing.assert_close(build().features, F.normalize(draw(N, D, seed=1), dim=1))


class TestBadInput:
    def test_features(self):
        memory = HybridMemory(N, D)
        with pytest.raises(ValueError, match=r'feats must be of shape \(10, 4\), but got \(9, 4\)'):
            memory.set_features(torch.ones(N - 1, D))
        feats = torch.ones(N, D)
        feats[3, 1], feats[7, 0] = torch.nan, torch.inf
        with pytest.raises(ValueError, match='feats must be finite, but 2 rows are not, the first is row 3'):
            memory.set_features(feats)

    def test_labels(self):
        memory = HybridMemory(N, D)
        for labels in (torch.zeros(N - 1).long(), torch.zeros(N)):
            with pytest.raises(ValueError, match=r'labels must be integers of shape \(10,\), but got'):
                memory.set_labels(labels)
        with pytest.raises(ValueError, match='labels must be -1 or higher, but got -2'):
            memory.set_labels(torch.full((N,), -2))

    @pytest.mark.parametrize(
        ('arguments', 'message'),
        [
            (dict(num_instances=0, dim=4), 'num_instances must be positive, but got 0'),
            (dict(num_instances=4, dim=0), 'dim must be positive, but got 0'),
            (dict(num_instances=4, dim=4, momentum=1.1), 'momentum must be from 0 to 1, but got 1.1'),
            (dict(num_instances=4, dim=4, temperature=0), 'temperature must be positive, but got 0'),
        ],
    )
    def test_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            HybridMemory(**arguments)


class TestHead:
    def test_a_memory_per_modality(self):
        head = MODELS.build(
            dict(type='mmt2ireid.MemoryHead', num_images=N, num_captions=N, dim=D, loss_weight=0.5)
        ).double()
        head.img_memory.set_features(draw(N, D, seed=1))
        head.txt_memory.set_features(draw(N, D, seed=2))
        head.txt_memory.set_labels(LABELS)
        img, txt = draw(3, D, seed=3), draw(3, D, seed=4)
        targets = replace(targets_of(3), image_ids=torch.tensor([0, 0, 4]), sample_idx=torch.tensor([0, 1, 9]))
        expected = [
            naive_loss(head.img_memory.features, members_of(NONE), img, targets.image_ids),
            naive_loss(head.txt_memory.features, MEMBERS, txt, targets.sample_idx),
        ]
        rows = naive_update(head.img_memory.features, img, targets.image_ids)
        losses = head.loss(features_of(img, txt), targets)
        assert list(losses) == ['loss_memory_img', 'loss_memory_txt']
        assert [value.item() for value in losses.values()] == pytest.approx([x / 2 for x in expected])
        torch.testing.assert_close(head.img_memory.features, rows)

    def test_its_classes_are_no_identities(self):
        """A hook compares ``num_classes`` of whatever is in a head with the identities of the training set."""
        head = MODELS.build(dict(type='mmt2ireid.MemoryHead', num_images=N, num_captions=N, dim=D))
        assert not any(hasattr(module, 'num_classes') for module in head.modules())


def test_size_that_comes_later():
    """By whoever knows it, or by what is loaded; in place, and once."""
    given, later, loaded = build(), HybridMemory(None, D).double(), HybridMemory(None, D).double()
    assert later.num_instances == 0 and not later.is_filled
    with pytest.raises(RuntimeError, match='The memory is empty'):
        later.loss(draw(2, D), torch.tensor([0, 1]))
    features = later.features
    later.set_size(N)
    assert later.features is features and later.num_instances == later.class_count == N
    later.set_features(draw(N, D, seed=1))
    later.set_labels(LABELS)
    loaded.load_state_dict(given.state_dict())
    embed, index = draw(3, D, seed=5), torch.tensor([0, 9, 4])
    wanted = given.loss(embed, index)
    for memory in (later, loaded):
        assert memory.is_filled and memory.num_clusters == given.num_clusters
        assert torch.equal(memory.loss(embed, index), wanted)
        assert torch.equal(memory.features, given.features)
        memory.set_size(N + 1)
        assert memory.num_instances == N
    with pytest.raises(ValueError, match='num_instances must be positive, but got 0'):
        HybridMemory(None, D).set_size(0)
