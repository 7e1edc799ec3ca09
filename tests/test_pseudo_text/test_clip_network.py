"""How models and weights are found and read: tags, files, folders, and what goes wrong with each."""

from __future__ import annotations

import hashlib
import warnings

import pytest
import torch
from clip_parts import MODEL_CFG, catalogue, save_model

from mmt2ireid.pseudo_text.conquer.clip_scorer import CLIPScorer

open_clip = pytest.importorskip('open_clip')
NAME = 'ViT-tiny-test'
QUICK = NAME + '-quickgelu'


@pytest.fixture
def named(tmp_path, monkeypatch):
    """Makes the tiny model known by name, with a tag of OpenAI's kind; returns the file of its weights."""
    save_model(tmp_path / 'weights')
    file = tmp_path / 'weights' / 'open_clip_pytorch_model.bin'
    tags = {
        'openai': {'url': 'https://example.invalid/none/tiny.pt', 'quick_gelu': True, 'mean': (0.5,) * 3},
        'other': {'file': str(file), 'std': (0.25,) * 3},
    }
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, NAME, MODEL_CFG)
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, QUICK, {**MODEL_CFG, 'quick_gelu': True})
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, NAME, tags)
    return file


def test_a_folder_without_weights_is_not_random(tmp_path):
    save_model(tmp_path)
    (tmp_path / 'open_clip_pytorch_model.bin').unlink()
    with pytest.raises(ValueError, match='could not be loaded'):
        CLIPScorer(catalogue(), f'local-dir:{tmp_path}', device='cpu')


def test_weights_that_cannot_be_fetched_are_named(named, monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise OSError('Network is unreachable')

    monkeypatch.setattr('urllib.request.urlopen', no_network)
    with pytest.raises(FileNotFoundError) as caught:
        CLIPScorer(catalogue(), NAME, 'openai', device='cpu', cache_dir=str(tmp_path / 'cache'))
    advice = ('pretrained=FILE, quick_gelu=True', '--pretrained FILE --quick-gelu')
    for part in (NAME, "'openai'", 'example.invalid', 'unreachable', *advice):
        assert part in str(caught.value)
    monkeypatch.setattr('open_clip.factory.download_pretrained_from_hf', no_network)
    with pytest.raises(FileNotFoundError, match=r'hf-hub:some/one.*local-dir:FOLDER'):
        CLIPScorer(catalogue(), 'hf-hub:some/one', device='cpu')


def test_a_tag_brings_its_activation_and_preprocessing(named, monkeypatch):
    """open_clip 3.3 itself only warns that OpenAI's weights need QuickGELU."""
    openai = open_clip.pretrained._PRETRAINED[NAME]['openai']
    monkeypatch.setitem(openai, 'file', str(named))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        quick = CLIPScorer(catalogue(), NAME, 'openai', device='cpu')
    plain = CLIPScorer(catalogue(), NAME, 'other', device='cpu')
    assert quick.provenance()['quick_gelu'] is True and plain.provenance()['quick_gelu'] is False
    assert quick.preprocess['mean'] == (0.5,) * 3 and plain.preprocess['std'] == (0.25,) * 3
    assert quick.provenance()['pretrained'] == 'openai'
    reference = open_clip.create_model(QUICK, str(named)).eval()
    image = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(quick.encode(image), reference.encode_image(image, normalize=True), atol=1e-5, rtol=0)
    assert (quick.encode(image) - plain.encode(image)).abs().max() > 1e-4


def test_a_local_file_warns_where_the_activation_is_unknown(named, caplog):
    with pytest.warns(UserWarning, match='trained with QuickGELU'):
        plain = CLIPScorer(catalogue(), NAME, str(named), device='cpu')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        told = CLIPScorer(catalogue(), NAME, str(named), device='cpu', quick_gelu=True)
        by_name = CLIPScorer(catalogue(), QUICK, str(named), device='cpu')
    assert 'randomly' not in caplog.text
    assert plain.provenance()['quick_gelu'] is False
    assert told.provenance()['quick_gelu'] is by_name.provenance()['quick_gelu'] is True
    assert told.provenance()['pretrained'] == named.name, 'no folders of this machine'
    assert told.weights_sha256 == plain.weights_sha256


class Harmful:
    def __reduce__(self):
        return print, ('this ran',)


@pytest.mark.parametrize('kind', ['code', 'cut off', 'foreign'])
def test_files_that_are_no_weights_are_refused(named, capsys, kind):
    if kind == 'code':
        torch.save({'state_dict': Harmful()}, named)
        message = 'needs code to run: save its state_dict as .safetensors'
    elif kind == 'cut off':
        named.write_bytes(named.read_bytes()[:5000])
        message = 'must hold weights'
    else:
        torch.save({'weight': torch.ones(2)}, named)
        message = f'must hold weights of model {NAME!r}, but: RuntimeError'
    with pytest.raises(ValueError, match=message):
        CLIPScorer(catalogue(), NAME, str(named), device='cpu', quick_gelu=False)
    assert 'this ran' not in capsys.readouterr().out


def save_archive(weights, file):
    """A TorchScript archive with weights under their names, and what OpenAI's archives hold beside them."""
    root = torch.nn.Module()
    for name, value in weights.items():
        *path, leaf = name.split('.')
        place = root
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, torch.nn.Module())
            place = getattr(place, part)
        place.register_buffer(leaf, value)
    for name in ('input_resolution', 'context_length', 'vocab_size'):
        root.register_buffer(name, torch.tensor(1))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # TorchScript is deprecated
        torch.jit.script(root).save(str(file))


def test_only_openais_own_archives_are_opened(named, tmp_path, monkeypatch):
    file = tmp_path / 'tiny.pt'
    save_archive(torch.load(named, weights_only=True), file)
    with pytest.raises(ValueError, match=r"TorchScript archive.*only OpenAI's own"):
        CLIPScorer(catalogue(), NAME, str(file), device='cpu', quick_gelu=True)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED[NAME]['openai'], 'url', f'https://x.invalid/{digest}/tiny.pt')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        scorer = CLIPScorer(catalogue(), NAME, str(file), device='cpu')
    assert scorer.provenance()['quick_gelu'] is True, 'known by its digest'
    assert scorer.weights_sha256 == CLIPScorer(catalogue(), QUICK, str(named), device='cpu').weights_sha256
    with pytest.raises(ValueError, match=f"weights of model 'ViT-B-16', but these are OpenAI's '{NAME}'"):
        CLIPScorer(catalogue(), 'ViT-B-16', str(file), device='cpu')
