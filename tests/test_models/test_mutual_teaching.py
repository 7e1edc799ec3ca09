"""Two networks and their teachers: averages by hand, losses by hand, and what goes where."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from cmmt_builders import draw_embeds, features_of, targets_of
from model_builders import build_dual_encoder, dual_encoder_config, make_batch
from test_mutual_losses import naive, naive_soft_cross_entropy
from test_no_host_sync import NoHostSync

from mmt2ireid.models import DualEncoder
from mmt2ireid.models.layers.mean_teacher import average_into, teacher_of
from mmt2ireid.registry import MODELS
from mmt2ireid.structures import PairTargets

IMAGES, CAPTIONS, DIM, PAIRS = 12, 24, 16, 8
IMG_LABELS = torch.tensor([0, 0, 1, 1, 2, 2, -1, 1, 0, 2, -1, 1])
TXT_LABELS = torch.tensor([0, 0, 1, 1, -1, 0, 1, -1] * 3)
MUTUAL = dict(
    type='mmt2ireid.MutualTeachingHead', num_images=IMAGES, num_captions=CAPTIONS, dim=DIM, min_cluster_size=2
)
CPM = dict(type='mmt2ireid.ProjectionMatchingHead', soft_labels='identity', loss_weight=0.8)
BN_NECK = dict(type='mmt2ireid.LinearBNNeck', in_channels=24, out_channels=DIM, pool='mean')


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def set_labels(head, img=IMG_LABELS, txt=TXT_LABELS):
    feats = [F.normalize(draw(count, DIM, seed=seed), dim=1) for seed, count in enumerate((IMAGES, CAPTIONS))]
    head.set_labels(img, txt, *feats)
    return feats


def build(seed=0, heads=None, **changes):
    torch.manual_seed(seed)
    changes = dict(img_neck=BN_NECK) | changes
    config = dual_encoder_config({}, type='mmt2ireid.MutualTeaching', **changes)
    config['heads'] = {'mutual': MUTUAL, 'cpm': CPM, 'none': None} if heads is None else heads
    model = MODELS.build(config)
    model.init_weights()
    if 'mutual' in model.heads:
        set_labels(model.heads['mutual'])
    return model.train()


def batch(model, seed=0):
    inputs = model.data_preprocessor(make_batch(PAIRS, seed=seed, masked=False))['inputs']
    numbers = torch.arange(PAIRS)
    return replace(inputs, targets=PairTargets(numbers - numbers - 1, numbers, 2 * numbers))


def shake(module, seed):
    """Moves weights and statistics as a step of training would."""
    generator = torch.Generator().manual_seed(seed)
    for key, value in module.state_dict().items():
        if value.is_floating_point():
            value += 0.1 * torch.rand(value.shape, generator=generator).to(value)
        elif key.endswith('num_batches_tracked'):
            value += 1


def test_networks_differ_and_teachers_are_their_copies():
    model = build()
    first, second = (dict(network.named_parameters()) for network in model.networks)
    assert not torch.equal(first['img_neck.project.weight'], second['img_neck.project.weight'])
    for teacher, network in zip(model.teachers, model.networks, strict=True):
        wanted, got = network.state_dict(), teacher.state_dict()
        assert list(wanted) != [] and set(wanted) == set(got)
        assert all(torch.equal(value, got[key]) for key, value in wanted.items())
        assert all(value.data_ptr() != got[key].data_ptr() for key, value in wanted.items())


def test_teachers_are_never_trained():
    model = build()
    assert not list(model.teachers.parameters()) and not list(model.heads['mutual'].teachers.parameters())
    for mode in (True, False, True):
        model.train(mode)
        assert all(module.training == mode for module in model.networks.modules())
        assert not any(module.training for module in model.teachers.modules())
    before = {key: value.clone() for key, value in model.teachers.state_dict().items()}
    losses = model(batch(model), mode='loss')
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert all(torch.equal(value, before[key]) for key, value in model.teachers.state_dict().items())


@pytest.mark.parametrize('max_decay', [0.999, 0.6])
def test_averages_by_hand(max_decay):
    model = build(max_decay=max_decay)
    pairs = [*zip(model.teachers, model.networks, strict=True)]
    pairs += [*zip(model.heads['mutual'].teachers, model.heads['mutual'].students, strict=True)]
    wanted = [{key: value.double() for key, value in teacher.state_dict().items()} for teacher, _ in pairs]
    for step in range(5):
        for seed, (_, student) in enumerate(pairs):
            shake(student, 10 * step + seed)
        decay = min(1 - 1 / (step + 1), max_decay)
        for average, (_, student) in zip(wanted, pairs, strict=True):
            for key, value in student.state_dict().items():
                new = value.double()
                average[key] = new if value.dtype == torch.int64 else decay * average[key] + (1 - decay) * new
        model.update_teachers(step)
        for average, (teacher, student) in zip(wanted, pairs, strict=True):
            for key, value in teacher.state_dict().items():
                torch.testing.assert_close(value.double(), average[key], atol=1e-6, rtol=1e-5)
                assert step or torch.equal(value, student.state_dict()[key])  # the first step: a copy
    assert any('running_mean' in key for key in wanted[0])


def test_recurrent_teachers_and_shared_weights():
    lstm = torch.nn.LSTM(3, 4, bidirectional=True, batch_first=True)
    teacher, x = teacher_of(lstm), draw(2, 5, 3).float()
    average_into(teacher, lstm.requires_grad_(True), 1.0)
    assert torch.equal(teacher(x)[0], lstm(x)[0]) and not list(teacher.parameters())
    shake(lstm, 0)
    average_into(teacher, lstm, 0.0)
    assert torch.equal(teacher(x)[0], lstm(x)[0])
    tied = torch.nn.ModuleList([torch.nn.Linear(3, 3, bias=False) for _ in range(2)])
    tied[1].weight = tied[0].weight
    for shared in (tied, torch.nn.ModuleList([tied[0]] * 2)):  # one weight in two modules, one module at two places
        teacher, start = teacher_of(shared), tied[0].weight.detach().clone()
        tied[0].weight.data += 1
        average_into(teacher, shared, 0.5)
        torch.testing.assert_close([part.weight for part in teacher], [start + 0.5] * 2)


def naive_id(logits, labels, smoothing=0.1):
    rows = [row for row, label in enumerate(labels.tolist()) if label >= 0]
    total, count = 0.0, logits.shape[1]
    for row in rows:
        log_p = logits[row].double() - logits[row].double().logsumexp(0)
        target = torch.full((count,), smoothing / count, dtype=torch.float64)
        target[labels[row]] += 1 - smoothing
        total -= float((target * log_p).sum())
    return total / len(rows)


def test_losses_by_hand():
    """All of both modalities and networks from the embeddings, in float64; the un-clustered are taken out by hand."""
    head = MODELS.build(dict(MUTUAL, loss_weight=2.0)).double()
    set_labels(head)
    shake(head.teachers, 7)
    img, txt = (x.requires_grad_() for x in draw_embeds(PAIRS, DIM))
    guides = [x.requires_grad_() for x in draw_embeds(PAIRS, DIM, seed=1)]
    numbers = torch.arange(PAIRS)
    targets = replace(targets_of(PAIRS), sample_idx=3 * numbers % CAPTIONS)
    for network in range(2):
        with NoHostSync():
            losses = head.loss(features_of(img, txt), targets, network=network, teacher=features_of(*guides))
        labels = dict(img=IMG_LABELS[:PAIRS], txt=TXT_LABELS[targets.sample_idx])
        wanted = {}
        for name, embed, guide, count in (('img', img, guides[0], 3), ('txt', txt, guides[1], 2)):
            known = labels[name] >= 0
            assert 0 < known.sum() < PAIRS
            embed, guide, own = embed[known].detach(), guide[known].detach(), labels[name][known]
            logits = embed @ head.students[network][name].weight[:count].T
            soft = guide @ head.teachers[1 - network][name].weight[:count].T
            wanted[f'loss_id_{name}'] = 0.5 * naive_id(logits.detach(), own)
            wanted[f'loss_soft_id_{name}'] = 0.5 * naive_soft_cross_entropy(logits.detach(), soft)
            wanted[f'loss_triplet_{name}'] = 0.2 * naive(embed, own)
            wanted[f'loss_soft_triplet_{name}'] = 0.8 * naive(embed, own, guide)
        assert losses.keys() == wanted.keys()
        for key, value in wanted.items():
            assert losses[key].item() == pytest.approx(2 * value, abs=1e-9), key
    sum(losses.values()).backward()
    assert all(guide.grad is None for guide in guides)
    assert not img.grad[IMG_LABELS[:PAIRS] < 0].any() and img.grad[IMG_LABELS[:PAIRS] >= 0].any(1).all()


def test_each_network_is_taught_by_the_others_teacher():
    model = build().double()
    for part in (*model.networks, *model.teachers):
        part.eval()  # so that features can be computed again
    shake(model.teachers, 1)
    inputs = batch(model)
    inputs = replace(inputs, images=inputs.images.double())
    losses = model.loss(inputs)
    mirrored = replace(inputs, images=inputs.images.flip(-1))
    features = [model.networks[0].extract(inputs), model.networks[1].extract(mirrored)]
    guides = [model.teachers[0].extract(inputs), model.teachers[1].extract(mirrored)]
    wanted = {}
    for number in range(2):
        parts = {
            **model.heads['mutual'].loss(features[number], inputs.targets, network=number, teacher=guides[1 - number]),
            **model.heads['cpm'].loss(features[number], inputs.targets),
        }
        wanted = {key: wanted.get(key, 0) + value for key, value in parts.items()}
    torch.testing.assert_close(losses, wanted)
    assert not torch.allclose(features[1].img_embed, model.networks[1].extract(inputs).img_embed)
    model.mirror = False
    assert model.loss(inputs)['loss_cpm'] != losses['loss_cpm']


def test_classifiers_are_the_centroids():
    head = MODELS.build(MUTUAL)
    feats = set_labels(head)
    assert head.class_counts == dict(img=3, txt=2)
    for name, rows, labels, count in zip(('img', 'txt'), feats, (IMG_LABELS, TXT_LABELS), (3, 2), strict=True):
        centroids = torch.stack([F.normalize(rows[labels == number].mean(0), dim=0) for number in range(count)])
        for classifiers in (*head.students, *head.teachers):
            torch.testing.assert_close(classifiers[name].weight[:count].double(), centroids, atol=1e-6, rtol=1e-5)
            assert not classifiers[name].weight[count:].any()
            assert len(classifiers[name].weight) == len(rows) // 2
    loaded = MODELS.build(MUTUAL)
    loaded.load_state_dict(head.state_dict())
    assert loaded.class_counts == head.class_counts
    set_labels(loaded, IMG_LABELS * 0, TXT_LABELS * 0 - 1)
    assert loaded.class_counts == dict(img=1, txt=0)


@pytest.mark.parametrize('labels', [-1, 0])
def test_no_cluster_and_one_cluster(labels):
    model = build()
    set_labels(model.heads['mutual'], IMG_LABELS * 0 + labels, TXT_LABELS * 0 + labels)
    losses = model.loss(batch(model))
    assert all(value.isfinite() for value in losses.values())
    assert all((value == 0) for key, value in losses.items() if key != 'loss_cpm')
    sum(losses.values()).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_a_plain_checkpoint_goes_into_all():
    plain, model = build_dual_encoder({}, img_neck=BN_NECK), build()
    keys = model.load_state_dict(plain.state_dict(), strict=False)
    assert not keys.unexpected_keys and all(key.startswith('heads.') for key in keys.missing_keys)
    for part in (*model.networks, *model.teachers):
        assert all(torch.equal(value, part.state_dict()[key]) for key, value in plain.state_dict().items())
    other = build(seed=3)
    other.load_state_dict(model.state_dict())  # its own checkpoint is taken as it is
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in model.state_dict().items())


def test_retrieval_is_the_first_teachers():
    model = build().eval()
    shake(model.networks, 0)
    data = make_batch(3, captions=2, masked=False)
    inputs = model.data_preprocessor(data)
    samples = model(**inputs, mode='predict')
    teacher = DualEncoder.encode_image(model.teachers[0], inputs['inputs'].images)
    assert torch.equal(torch.stack([sample.img_feat for sample in samples]), teacher)
    assert samples[0].txt_feats.shape == (2, DIM)
    text = model.encode_text(inputs['inputs'].token_ids, inputs['inputs'].txt_mask)
    assert torch.equal(torch.cat([sample.txt_feats for sample in samples]), text)
    assert torch.equal(model(inputs['inputs']).img_embed, model.teachers[0].extract(inputs['inputs']).img_embed)
    img, txt = model.teacher_embeddings(inputs['inputs'])
    mean = sum(F.normalize(part.extract(inputs['inputs']).txt_embed, dim=1) for part in model.teachers) / 2
    torch.testing.assert_close(txt, F.normalize(mean, dim=1))
    assert img.shape == (3, DIM)


def test_mixed_precision():
    model = build()
    full = model.loss(batch(model))
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(batch(model))
    assert all(value.dtype == torch.float32 for value in losses.values())
    sum(losses.values()).backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    for key in ('loss_id_img', 'loss_soft_triplet_img'):
        assert losses[key].item() == pytest.approx(full[key].item(), rel=0.1)


def test_triplets_before_the_norm():
    """The triplet losses compare what both BatchNorm1d read, the others their output."""
    necks = dict(img_neck=BN_NECK, txt_neck=dict(BN_NECK, in_channels=32, pool='max'))
    heads = {name: {'mutual': dict(MUTUAL, triplet_input=name)} for name in ('embed', 'before_norm')}
    models = {name: build(heads=heads[name], **necks) for name in heads}
    compared, triplet = [], models['before_norm'].heads['mutual'].triplet
    triplet.register_forward_pre_hook(lambda module, args: compared.append(args[0].detach()))
    read = []
    for neck in ('img_neck', 'txt_neck'):
        norm = getattr(models['before_norm'].networks[0], neck).norm
        norm.register_forward_pre_hook(lambda module, args: read.append(args[0].detach()))
    losses = {name: model.loss(batch(model)) for name, model in models.items()}
    assert torch.equal(compared[0], read[0]) and torch.equal(compared[2], read[1])
    for key, value in losses['embed'].items():
        assert torch.equal(value, losses['before_norm'][key]) == ('triplet' not in key), key


def test_triplets_before_the_norm_need_necks_with_one():
    model = build(heads={'mutual': dict(MUTUAL, triplet_input='before_norm')}, img_neck=dict(BN_NECK, pool='max'))
    with pytest.raises(ValueError, match=r"LinearBNNeck of pool='mean' for images"):
        model.loss(batch(model))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(triplet_input='both'), r'triplet_input must be one of'),
        (dict(min_cluster_size=1), 'min_cluster_size must be from 2 to'),
        (dict(soft_id_weight=1.5), 'soft_id_weight must be from 0 to 1, but got 1.5'),
        (dict(smoothing=-0.1), 'smoothing must be from 0 to 1, but got -0.1'),
    ],
)
def test_head_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(dict(MUTUAL, **changes))


def test_refuses():
    head, features = MODELS.build(MUTUAL), features_of(*draw_embeds(PAIRS, DIM))
    with pytest.raises(ValueError, match='must be in a MutualTeaching model'):
        head.loss(features, targets_of(PAIRS))
    with pytest.raises(RuntimeError, match='set_labels must be called before training starts'):
        head.loss(features, targets_of(PAIRS), teacher=features)
    with pytest.raises(ValueError, match=r'at least min_cluster_size=2, but got one of 1'):
        set_labels(head, torch.arange(IMAGES))
    with pytest.raises(ValueError, match=r'img_labels and img_feats must be of shapes \(12,\)'):
        set_labels(head, IMG_LABELS[:5])
    with pytest.raises(ValueError, match='max_decay must be'):
        build(max_decay=1.0)
    with pytest.raises(ValueError, match=r"features of their own, but got \['pgu'\]"):
        build(heads=dict(pgu=dict(type='mmt2ireid.PGUHead', num_classes=3, dim=16, head_dim=8, ffn_dim=8)))
    model = build(heads=dict(cpm=None))
    with pytest.raises(ValueError, match='at least one head for training, but got none'):
        model.loss(batch(model))
    with pytest.raises(ValueError, match='one caption per image'):
        model.loss(model.data_preprocessor(make_batch(2, captions=2))['inputs'])
    with pytest.raises(ValueError, match='mode must be'):
        model(batch(model), mode='other')


@pytest.mark.parametrize('name', ['num_images', 'num_captions'])
@pytest.mark.parametrize('size', [None, 0, 2.5])
def test_the_size_of_the_training_set_must_be_given(name, size):
    with pytest.raises(ValueError, match=f'{name} must be a positive integer.*but got {size}'):
        MODELS.build({**MUTUAL, name: size})
