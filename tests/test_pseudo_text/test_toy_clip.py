import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

open_clip = pytest.importorskip('open_clip')

from mmt2ireid.pseudo_text.conquer.clip_prompts import encode_prompts  # noqa: E402
from mmt2ireid.pseudo_text.conquer.clip_scorer import CLIPScorer  # noqa: E402
from mmt2ireid.pseudo_text.conquer.scorer import choose_attributes  # noqa: E402
from mmt2ireid.pseudo_text.conquer.toy_clip import (  # noqa: E402
    ToyClipOptions,
    normalised,
    toy_clip_config,
    train_toy_clip,
    truth_labels,
)
from mmt2ireid.pseudo_text.conquer.toy_clip_folder import RECIPE, WEIGHTS, toy_clip_stands, write_toy_clip  # noqa: E402
from mmt2ireid.pseudo_text.conquer.toy_clip_text import prompt_places  # noqa: E402
from mmt2ireid.pseudo_text.data_folder import DATA  # noqa: E402
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue, load_catalogue  # noqa: E402

COLOURS = {'red': (210, 40, 40), 'green': (40, 160, 60), 'blue': (40, 60, 200)}
SIZE = (64, 32)
CATALOGUE = Catalogue({
    'clothes': Attribute('clothes', True, list(COLOURS), prompts=('A photo of a person in {}', 'Somebody in {}')),
    'hat': Attribute(
        'hat', False, ['wearing a hat'], negative='a person without a hat',
        forms={'wearing a hat': {'say': 'a hat'}},
    ),
})  # fmt: skip
OPTIONS = ToyClipOptions(passes=8, text_steps=60, batch_size=16, context=12, embed_dim=32)


def flags(count, seed):
    """Plain pictures: a colour below, a white bar on top for a hat."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(90, 130, (count, *SIZE, 3)).astype(np.uint8)
    truths = []
    for picture in pictures:
        colour, hat = rng.choice(list(COLOURS)), rng.random() < 0.4
        picture[20:] = COLOURS[colour]
        if hat:
            picture[4:12] = 250
        truths.append({'clothes': str(colour), 'hat': 'a hat' if hat else None})
    return pictures, truths


@pytest.fixture(scope='module', autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def trained():
    return train_toy_clip(*flags(320, 0), CATALOGUE, OPTIONS, progress=False)


@pytest.fixture
def folder(trained, tmp_path):
    recipe = {'persons': 320, 'training': {'seed': 0}}
    write_toy_clip(tmp_path / 'clip', trained, toy_clip_config(OPTIONS, SIZE), recipe)
    return tmp_path / 'clip'


def test_stock_open_clip_loads_it_and_the_scorer_finds_the_truth(trained, folder):
    network, _, transform = open_clip.create_model_and_transforms(f'local-dir:{folder}')
    for name, value in trained.state_dict().items():
        assert torch.equal(network.state_dict()[name], value), name
    pictures, truths = flags(60, 1)
    images = [Image.fromarray(picture) for picture in pictures]
    torch.testing.assert_close(torch.stack([transform(image) for image in images]), normalised(pictures))
    scorer = CLIPScorer(CATALOGUE, model=f'local-dir:{folder}', pretrained='', device='cpu')
    choices = choose_attributes(scorer.score(images), CATALOGUE)
    found = [
        {'clothes': colour, 'hat': hat and 'a hat'}
        for colour, hat in zip(choices.phrases['clothes'], choices.phrases['hat'], strict=True)
    ]
    assert sum(one == other for one, other in zip(found, truths, strict=True)) >= 54


def test_training_uses_the_same_softmax_as_the_scorer(trained):
    """The scale is the checkpoint's own, so that a probability of 0.9 means what it says."""
    pictures, truths = flags(200, 2)
    with torch.no_grad():
        features = F.normalize(trained.eval().encode_image(normalised(pictures)), dim=1)
    tokenizer = open_clip.SimpleTokenizer(context_length=12)
    rows = encode_prompts(trained, tokenizer, CATALOGUE, torch.device('cpu'), 64)['hat']
    probability = (trained.logit_scale.exp() * features @ rows.t()).softmax(dim=1)
    label = truth_labels(truths, CATALOGUE)['hat']
    assert F.nll_loss(probability.log(), label) < 0.2
    assert 1 < trained.logit_scale.exp().item() <= 100
    assert trained.logit_scale.exp().item() != pytest.approx(OPTIONS.scale, abs=1e-4)


def test_the_same_seed_gives_the_same_weights():
    pictures, truths = flags(64, 3)
    short = replace(OPTIONS, passes=1, text_steps=5)
    before = torch.get_rng_state()
    one, other, third = (
        train_toy_clip(pictures, truths, CATALOGUE, options, progress=False).state_dict()
        for options in (short, short, replace(short, seed=1))
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one['token_embedding.weight'], third['token_embedding.weight'])
    assert not torch.equal(one['visual.trunk.stem.conv.weight'], third['visual.trunk.stem.conv.weight'])
    assert torch.equal(before, torch.get_rng_state()), "the caller's random numbers are left alone"


def test_places_of_prompts():
    catalogue = load_catalogue(DATA / 'toy_catalogue.yaml')
    places = prompt_places(catalogue, 128, torch.Generator().manual_seed(0))
    for name, attribute in catalogue.items():
        assert places[name].shape == (len(attribute.choices), 128)
        torch.testing.assert_close(places[name].norm(dim=1), torch.ones(len(places[name])))
        for other in catalogue:
            if other != name:
                assert (places[name] @ places[other].t()).abs().max() < 1e-5
    # Two phrases of two are opposites; of clothes, those that share more parts are nearer.
    assert (places['gender'][0] @ places['gender'][1]).item() == pytest.approx(-1, abs=1e-5)
    upper = catalogue['upper clothes'].phrases
    rows = dict(zip(upper, places['upper clothes'], strict=True))
    red, same, other = (rows[f'a {text}'] for text in ('red striped shirt', 'red plaid shirt', 'blue plaid vest'))
    assert red @ same > red @ other + 0.3
    # More words than dimensions: still a place for each.
    few = prompt_places(catalogue, 16, torch.Generator().manual_seed(0))['upper clothes']
    assert torch.unique(few, dim=0).shape == (480, 16)


def test_truths_become_choices():
    truths = [{'clothes': 'blue', 'hat': None}, {'clothes': 'red', 'hat': 'a hat'}]
    labels = truth_labels([*truths, {'clothes': 'red', 'hat': 'wearing a hat'}], CATALOGUE)
    assert labels['clothes'].tolist() == [2, 0, 0]
    assert labels['hat'].tolist() == [1, 0, 0]
    for truth in ({'clothes': None, 'hat': None}, {'clothes': 'mauve', 'hat': None}, {'hat': None}):
        with pytest.raises(ValueError, match=r"truth of picture 0, 'clothes'"):
            truth_labels([truth], CATALOGUE)


@pytest.mark.parametrize(
    ('pictures', 'truths', 'wanted'),
    [
        (np.zeros((20, 64, 32, 3), np.float32), 20, 'uint8'),
        (np.zeros((20, 3, 64, 32), np.uint8), 20, 'pictures must be uint8'),
        (np.zeros((20, 64, 32, 3), np.uint8), 19, 'truths must be 20'),
        (np.zeros((9, 64, 32, 3), np.uint8), 9, 'a batch of 16'),
    ],
)
def test_bad_data_is_refused(pictures, truths, wanted):
    with pytest.raises(ValueError, match=wanted):
        train_toy_clip(pictures, [{'clothes': 'red', 'hat': None}] * truths, CATALOGUE, OPTIONS)


@pytest.mark.parametrize('change', [{'passes': 0}, {'seed': -1}, {'scale': 0}, {'batch_size': 2.5}, {'context': True}])
def test_bad_options_are_refused(change):
    with pytest.raises(ValueError, match=f'{next(iter(change))} must be'):
        ToyClipOptions(**change)


def test_a_folder_stands_for_its_own_recipe_only(folder):
    recipe = json.loads((folder / RECIPE).read_text())['recipe']
    assert toy_clip_stands(folder, recipe)
    assert not toy_clip_stands(folder, recipe, fresh=True)
    assert not toy_clip_stands(folder.with_name('nothing'), recipe)
    with pytest.raises(ValueError, match=r'training\.seed 0 there, 1 asked for'):
        toy_clip_stands(folder, {**recipe, 'training': {'seed': 1}})
    weights = folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b'!')
    with pytest.raises(ValueError, match=f'{WEIGHTS} is missing or was changed'):
        toy_clip_stands(folder, recipe)


def test_what_is_no_toy_clip_is_left_alone(tmp_path):
    (tmp_path / 'thesis.txt').write_text('years of work')
    for fresh in (False, True):
        with pytest.raises(FileExistsError, match='other than a toy CLIP'):
            toy_clip_stands(tmp_path, {}, fresh=fresh)


def test_other_files_in_the_folder_are_not_removed(folder):
    recipe = json.loads((folder / RECIPE).read_text())['recipe']
    (folder / 'notes.txt').write_text('mine')
    assert toy_clip_stands(folder, recipe)
    with pytest.raises(FileExistsError, match=r'notes\.txt'):
        toy_clip_stands(folder, recipe, fresh=True)


def test_a_write_that_breaks_off_leaves_what_stood(folder, trained, monkeypatch):
    recipe = json.loads((folder / RECIPE).read_text())['recipe']

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr('mmt2ireid.pseudo_text.conquer.toy_clip_folder._sync', fail)
    for target in (folder, folder.with_name('new')):
        with pytest.raises(KeyboardInterrupt):
            write_toy_clip(target, trained, {}, {})
    assert toy_clip_stands(folder, recipe)
    assert not folder.with_name('new').exists()
    monkeypatch.undo()
    write_toy_clip(folder.with_name('new'), trained, toy_clip_config(OPTIONS, SIZE), recipe)
    assert sorted(path.name for path in folder.parent.iterdir()) == ['.clip.unfinished', 'clip', 'new']
