"""The matcher and the choice of phrases, against naive loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from clip_parts import catalogue, scores_of

from mmt2ireid.pseudo_text.conquer.matcher import PromptMatcher
from mmt2ireid.pseudo_text.conquer.scorer import choose_attributes


def embeddings(seed=0, width=16):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.randn(len(attribute.choices), width, generator=generator) for name, attribute in catalogue().items()
    }


def naive_probabilities(features, prompts, scale):
    """One image, one attribute, one prompt at a time, in float64."""
    found = {}
    for name, rows in prompts.items():
        found[name] = []
        for image in features.double().tolist():
            logits = []
            for prompt in rows.double().tolist():
                norm = math.sqrt(sum(value * value for value in prompt))
                logits.append(scale * sum(a * b / norm for a, b in zip(image, prompt, strict=True)))
            top = max(logits)
            total = sum(math.exp(logit - top) for logit in logits)
            found[name].append([math.exp(logit - top) / total for logit in logits])
    return found


def naive_choices(probabilities, attributes, threshold):
    phrases = {}
    for name, attribute in attributes.items():
        phrases[name] = []
        for row in probabilities[name]:
            best = max(range(len(attribute.phrases)), key=row.__getitem__)
            kept = attribute.required or row[best] > threshold
            phrases[name].append(attribute.phrases[best] if kept else None)
    return phrases


@pytest.mark.parametrize('scale', [1.0, 14.3, 100.0])
def test_matching_and_choosing_equal_the_naive_loop(scale):
    features = torch.nn.functional.normalize(torch.randn(40, 16, generator=torch.Generator().manual_seed(1)), dim=1)
    prompts, attributes = embeddings(), catalogue()
    scores = PromptMatcher(prompts, scale)(features)
    expected = naive_probabilities(features, prompts, scale)
    for name in attributes:
        assert scores[name].dtype == torch.float32
        np.testing.assert_allclose(scores[name].numpy(), expected[name], atol=1e-5)
    for threshold in (0.3, 0.9):
        choices = choose_attributes(scores, attributes, threshold)
        assert choices.phrases == naive_choices(expected, attributes, threshold)
    best = [max(row[:2]) for row in expected['bag']]
    np.testing.assert_allclose(choices.probabilities['bag'], best, atol=1e-5)
    assert choices.probabilities['bag'].dtype == np.float32
    if scale == 100:
        assert {None, 'with a backpack', 'with a handbag'} == set(choices.phrases['bag'])


def test_autocast_does_not_reach_the_matcher():
    features = torch.nn.functional.normalize(torch.randn(4, 16), dim=1)
    matcher = PromptMatcher(embeddings(), 100.0)
    plain = matcher(features)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        inside = matcher(features)
    assert all(torch.equal(plain[name], inside[name]) for name in plain)


@pytest.mark.parametrize(
    ('prompts', 'scale', 'message'),
    [
        ({}, 1.0, 'at least one attribute'),
        ({'a': torch.ones(2, 3), 'b': torch.ones(2, 4)}, 1.0, "attribute 'b' must have the shape"),
        ({'a': torch.ones(0, 3)}, 1.0, "attribute 'a' must have the shape"),
        ({'a': torch.full((2, 3), math.nan)}, 1.0, "attribute 'a' must have finite"),
        ({'a': torch.ones(2, 3)}, 0.0, 'scale must be positive'),
        ({'a': torch.ones(2, 3)}, math.inf, 'scale must be positive'),
    ],
)
def test_bad_prompts_are_refused(prompts, scale, message):
    with pytest.raises(ValueError, match=message):
        PromptMatcher(prompts, scale)


def test_features_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r'features must have the shape \(B, 16\), but got \(2, 8\)'):
        PromptMatcher(embeddings(), 1.0)(torch.ones(2, 8))


@pytest.mark.parametrize(
    ('row', 'phrase', 'probability'),
    [
        ([0.90, 0.05, 0.05], None, 0.9),  # the threshold itself is not above it
        ([0.91, 0.05, 0.04], 'with a backpack', 0.91),
        ([0.02, 0.95, 0.03], 'with a handbag', 0.95),
        ([0.45, 0.45, 0.10], None, 0.45),  # two bags do not make one
        ([0.03, 0.02, 0.95], None, 0.03),  # the negative phrase wins
    ],
)
def test_optional_attributes_need_more_than_the_threshold(row, phrase, probability):
    choices = choose_attributes(scores_of(bag=row), catalogue())
    assert choices.phrases['bag'] == [phrase]
    assert choices.probabilities['bag'][0] == np.float32(probability)


def test_required_attributes_need_no_threshold():
    choices = choose_attributes(scores_of(upper_clothes=[0.3, 0.36, 0.34]), catalogue())
    assert choices.phrases['upper clothes'] == ['a blue shirt']


def test_one_transfer_per_batch(monkeypatch):
    matcher, attributes, features = PromptMatcher(embeddings(), 1.0), catalogue(), torch.ones(5, 16) / 4
    transfers = []
    plain = torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, 'cpu', lambda self: transfers.append(tuple(self.shape)) or plain(self))
    for method in ('item', 'tolist', '__bool__', '__float__', '__int__'):
        monkeypatch.setattr(torch.Tensor, method, lambda *args, method=method: pytest.fail(f'{method} waits'))
    choose_attributes(matcher(features), attributes)
    assert transfers == [(2 * len(attributes), 5)]


@pytest.mark.parametrize(
    ('scores', 'threshold', 'message'),
    [
        (scores_of(bag=[math.nan] * 3), 0.9, "must be finite, but got nan .*1 of 1 images.*attribute 'bag'"),
        (scores_of(bag=[12.5, 3.0, 1.0]), 0.9, r"probabilities in \[0, 1\].*got 12.5 .*attribute 'bag'"),
        ({'gender': torch.ones(1, 2)}, 0.9, r"\['upper clothes', 'bag', 'hat'\] are missing"),
        (scores_of(), 1.0, r'threshold must be in \[0, 1\), but got 1.0'),
        (scores_of(), -0.1, 'threshold must be in'),
    ],
)
def test_bad_scores_are_refused(scores, threshold, message):
    with pytest.raises(ValueError, match=message):
        choose_attributes(scores, catalogue(), threshold)


def test_a_non_finite_feature_is_found():
    features = torch.nn.functional.normalize(torch.randn(6, 16), dim=1)
    features[4, 2] = math.inf
    with pytest.raises(ValueError, match=r'must be finite.*1 of 6 images of the batch, first image 4'):
        choose_attributes(PromptMatcher(embeddings(), 1.0)(features), catalogue())
