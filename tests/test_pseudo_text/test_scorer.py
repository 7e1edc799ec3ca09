"""Scorers of other kinds than CLIP: loaded by name, used, and what is wrong with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clip_parts import catalogue, scores_of
from PIL import Image

from mmt2ireid.pseudo_text.conquer.scorer import AttributeScorer, check_scores, choose_attributes, load_scorer


class BrightnessScorer(AttributeScorer):
    """A scorer without features: light pictures show women, dark ones men; it takes PIL images as they are."""

    def __init__(self, catalogue, sharpness=1.0):
        self.catalogue, self.sharpness = catalogue, sharpness

    def score(self, images):
        scores = {}
        for name, attribute in self.catalogue.items():
            scores[name] = torch.zeros(len(images), len(attribute.choices))
            for row, image in enumerate(images):
                scores[name][row, int(np.asarray(image).mean() > 127) if name == 'gender' else 0] = self.sharpness
        return scores


class UnfinishedScorer(AttributeScorer):
    pass


def broken_factory(catalogue):
    return 'a scorer'


def test_another_kind_of_scorer_is_loaded_by_name_and_used():
    scorer = load_scorer(f'{__name__}:BrightnessScorer', catalogue(), sharpness=0.95)
    images = [Image.new('RGB', (4, 8), shade) for shade in ('black', 'white')]
    scores = scorer.score(images)
    check_scores(scores, catalogue(), 2)
    choices = choose_attributes(scores, catalogue())
    assert choices.phrases['gender'] == ['man', 'woman']
    assert choices.phrases['hat'] == ['with a hat'] * 2
    assert scorer.provenance() == {'scorer': f'{__name__}:BrightnessScorer'}


@pytest.mark.parametrize(
    ('spec', 'options', 'message'),
    [
        ('BrightnessScorer', {}, "'package.module:Name', but got 'BrightnessScorer'"),
        (':BrightnessScorer', {}, "'package.module:Name'"),
        ('no_such_package.scorers:X', {}, "there is no 'no_such_package'"),
        ('mmt2ireid.no_such_module:X', {}, "there is no 'mmt2ireid.no_such_module'"),
        ('clip_parts:NoSuchName', {}, "'clip_parts' has no 'NoSuchName'"),
        ('clip_parts:ColourScorer', {}, 'must be an AttributeScorer, but'),
        ('clip_parts:MODEL_CFG', {}, 'must be an AttributeScorer, but'),
        (f'{__name__}:UnfinishedScorer', {}, 'lacks score'),
        (f'{__name__}:broken_factory', {}, 'returned str'),
        (f'{__name__}:BrightnessScorer', {'colour': 1}, "unexpected keyword argument 'colour'"),
    ],
)
def test_a_scorer_that_cannot_be_loaded_is_named(spec, options, message):
    with pytest.raises(ValueError, match=message):
        load_scorer(spec, catalogue(), **options)


def test_what_a_scorers_module_lacks_is_not_blamed_on_its_name(tmp_path, monkeypatch):
    (tmp_path / 'needy_scorer.py').write_text('import no_such_dependency')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match='no_such_dependency'):
        load_scorer('needy_scorer:X', catalogue())


def changed(name, value):
    return {key: tensor for key, tensor in {**scores_of(), name: value}.items() if tensor is not None}


@pytest.mark.parametrize(
    ('scores', 'message'),
    [
        ([torch.ones(1, 2)], 'must be a mapping .* but got list'),
        (changed('hat', None), r"\['hat'\] are missing"),
        (changed('shoes', torch.ones(1, 2)), r"\['shoes'\] unknown"),
        (changed('bag', [[0.1, 0.2, 0.7]]), "attribute 'bag' must be a floating-point tensor, but got list"),
        (changed('bag', torch.ones(1, 3, dtype=torch.long)), 'but got torch.int64'),
        (changed('bag', torch.ones(1, 2)), r"attribute 'bag' must have the shape \(1, 3\).* but got \(1, 2\)"),
        (changed('bag', torch.ones(2, 3)), r'but got \(2, 3\)'),
    ],
)
def test_bad_results_of_a_scorer_are_named(scores, message):
    check_scores(scores_of(), catalogue(), 1)
    with pytest.raises(ValueError, match=message):
        check_scores(scores, catalogue(), 1)
