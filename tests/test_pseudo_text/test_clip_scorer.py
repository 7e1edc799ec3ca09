"""CLIPScorer against upstream open_clip with random weights."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from clip_parts import catalogue, crops, save_model
from PIL import Image

from mmt2ireid.pseudo_text.conquer.clip_scorer import CLIPScorer, resolve_device, resolve_precision
from mmt2ireid.pseudo_text.conquer.scorer import check_scores, choose_attributes
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue

open_clip = pytest.importorskip('open_clip')


@pytest.fixture
def folder(tmp_path):
    save_model(tmp_path / 'tiny')
    return tmp_path / 'tiny'


def scorer_of(folder, attributes=None, **options):
    return CLIPScorer(attributes or catalogue(), f'local-dir:{folder}', device='cpu', **options)


@torch.no_grad()
def upstream_probabilities(folder, images, resize):
    """What open_clip's own calls give, one prompt and one attribute at a time."""
    model, _, transform = open_clip.create_model_and_transforms(f'local-dir:{folder}', image_resize_mode=resize)
    tokenizer = open_clip.get_tokenizer(f'local-dir:{folder}')
    features = model.eval().encode_image(torch.stack([transform(image) for image in images]), normalize=True)
    found = {}
    for name, attribute in catalogue().items():
        rows = []
        for texts in attribute.prompt_texts():
            each = [model.encode_text(tokenizer([text]), normalize=True)[0] for text in texts]
            rows.append(F.normalize(torch.stack(each).mean(dim=0), dim=0))
        found[name] = (model.logit_scale.exp() * features @ torch.stack(rows).T).softmax(dim=1)
    return found


@pytest.mark.parametrize('resize', ['squash', 'longest', 'shortest'])
def test_scores_equal_upstream(folder, resize):
    images = crops(5)
    scorer = scorer_of(folder, resize=resize)
    assert {len(texts) for texts in catalogue()['gender'].prompt_texts()} == {2}
    scores = scorer.score(torch.stack([scorer.transform(image) for image in images]))
    check_scores(scores, catalogue(), 5)
    expected = upstream_probabilities(folder, images, resize)
    for name in expected:
        torch.testing.assert_close(scores[name], expected[name], atol=1e-5, rtol=0)
    assert scores['gender'].std(dim=0).max() > 1e-4, 'the images must matter'


def test_ways_of_resizing_differ_and_squashing_keeps_head_and_feet(folder):
    image = crops(1)[0]
    marked = np.asarray(image).copy()
    marked[:4] = marked[-4:] = 255
    marked = Image.fromarray(marked)
    seen = {}
    for resize in ('squash', 'longest', 'shortest'):
        transform = scorer_of(folder, resize=resize).transform
        seen[resize] = not torch.allclose(transform(image), transform(marked))
        pickle.loads(pickle.dumps(transform))  # for the loader's workers
    assert seen == {'squash': True, 'longest': True, 'shortest': False}


def test_batches_and_kept_features_change_nothing(folder):
    scorer, images = scorer_of(folder), crops(7)
    together = scorer.score(images)
    alone = [scorer.score([image]) for image in images]
    features = scorer.encode(images)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features.norm(dim=1), torch.ones(7))
    kept = scorer.score_features(torch.from_numpy(features.numpy().copy()))
    for name, scores in together.items():
        torch.testing.assert_close(scores, torch.cat([one[name] for one in alone]), atol=1e-5, rtol=0)
        torch.testing.assert_close(scores, kept[name], atol=1e-6, rtol=0)


def test_prompts_are_encoded_in_batches_of_any_size(folder):
    first, second = scorer_of(folder), scorer_of(folder, text_batch=3)
    torch.testing.assert_close(first.matcher.prompts, second.matcher.prompts, atol=1e-5, rtol=0)


def test_half_precision_is_used_and_stays_near(folder):
    images, full, half = crops(6), scorer_of(folder), scorer_of(folder, precision='bf16')
    assert full.precision == 'fp32'
    difference = (full.encode(images) - half.encode(images)).abs().max()
    assert 0 < difference < 0.05
    assert half.encode(images).dtype == torch.float32
    assert full.encoder_provenance() != half.encoder_provenance()


def test_a_non_finite_weight_is_found(folder):
    scorer = scorer_of(folder)
    scorer.network.visual.proj.data[0, 0] = float('nan')
    with pytest.raises(ValueError, match='features and probabilities must be finite'):
        choose_attributes(scorer.score(crops(2)), catalogue())
    scorer.network.text_projection.data[0, 0] = float('inf')
    torch.save(scorer.network.state_dict(), folder / 'open_clip_pytorch_model.bin')
    with pytest.raises(ValueError, match='embeddings of prompts must be finite'):
        scorer_of(folder)


def test_images_of_another_shape_are_refused(folder):
    with pytest.raises(ValueError, match=r'images must have the shape \(B, 3, H, W\), but got \(3, 32, 32\)'):
        scorer_of(folder).encode(torch.zeros(3, 32, 32))


@pytest.mark.parametrize(('words', 'fits'), [(13, True), (14, False)])
def test_a_prompt_that_is_too_long_is_refused(folder, words, fits):
    """Start, 'a photo of a person' (5 tokens), the words, end: 20 with 13 words."""
    phrase = ' '.join(['dog'] * words)
    attributes = Catalogue({'pet': Attribute('pet', True, ['cat', phrase])}, digest='d')
    if fits:
        scorer_of(folder, attributes)
        return
    with pytest.raises(ValueError, match=f"attribute 'pet' must have at most 20 tokens.*person {phrase}'"):
        scorer_of(folder, attributes)


def test_provenance_tells_weights_and_settings_apart(folder, tmp_path):
    save_model(tmp_path / 'other' / 'tiny', seed=1)
    one, two = scorer_of(folder), scorer_of(tmp_path / 'other' / 'tiny')
    assert one.provenance() == scorer_of(folder).provenance()
    assert json.loads(json.dumps(one.provenance())) is not None
    assert one.provenance()['model'] == two.provenance()['model'] == 'local-dir:tiny'
    assert one.encoder_provenance() != two.encoder_provenance()
    assert one.encoder_provenance() != scorer_of(folder, resize='longest').encoder_provenance()
    assert one.provenance()['logit_scale'] == pytest.approx(np.exp(3.0), abs=1e-4)
    assert one.provenance()['catalogue_sha256'] == 'c0ffee'
    assert 'catalogue_sha256' not in one.encoder_provenance()
    assert one.provenance()['open_clip'] == open_clip.__version__


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'resize': 'crop'}, "resize must be one of .* but got 'crop'"),
        ({'precision': 'fp8'}, "precision must be one of .* but got 'fp8'"),
        ({'precision': 'fp16'}, "on cpu, but got 'fp16'"),
        ({'text_batch': 0}, 'text_batch must be at least 1, but got 0'),
        ({'model': 'ViT-B-61'}, "got 'ViT-B-61'; near it: .*ViT-B-16"),
        ({'pretrained': 'opnai'}, "tag of model 'ViT-B-16' or a file, but got 'opnai'; near it: openai"),
        ({'model': 'local-dir:.', 'pretrained': 'laion2b'}, 'which brings its weights, but got'),
        ({'model': 'local-dir:no/such/folder', 'pretrained': ''}, 'must name a folder with open_clip_config.json'),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        CLIPScorer(catalogue(), **{'device': 'cpu', **options})


@pytest.mark.parametrize('device', ['nonsense', 'cuda:99'])
def test_devices_that_are_not_there_are_refused(device):
    with pytest.raises(ValueError, match=f"device must be one that torch can use here, but got '{device}'"):
        resolve_device(device)
    assert resolve_device('cpu') == torch.device('cpu')


def test_automatic_precision(monkeypatch):
    assert resolve_precision('auto', torch.device('cpu')) == 'fp32'
    for capability, expected in (((7, 5), 'fp16'), ((9, 0), 'bf16')):
        monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda device, value=capability: value)
        assert resolve_precision('auto', torch.device('cuda')) == expected
