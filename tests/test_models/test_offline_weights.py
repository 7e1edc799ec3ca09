"""Without network: what is missing, where it was looked for, and how to bring it; and that it is found there then."""

from __future__ import annotations

import re

import pytest
import torch
from model_builders import BERT
from transformers import BertConfig, BertForMaskedLM
from weights_helpers import block_network, hub_folder, initialised, our_vit, timm_vit

from mmt2ireid.models import BertTextEncoder
from mmt2ireid.models.weights.names import to_mmpretrain

URL = 'https://download.openmmlab.com/mmclassification/v0/deit/deit-small_pt-4xb256_in1k_20220218-9425b9bb.pth'


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    block_network(monkeypatch)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch'))
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_CACHE', str(tmp_path / 'hub'))


@pytest.mark.parametrize('kind', ['Pretrained', 'mmt2ireid.BackbonePretrained'])
def test_an_address_of_mmpretrain(kind, tmp_path):
    init = dict(type=kind, checkpoint=URL, prefix='backbone.')
    with pytest.raises(FileNotFoundError) as caught:
        our_vit(init)
    name = URL.rpartition('/')[2]
    place = tmp_path / 'torch' / 'hub' / 'checkpoints' / name
    for part in (
        f'curl -L -o {name} {URL}', f'in the cache at {place}', 'unreachable', 'put it at',
        'model.image_encoder.init_cfg.checkpoint=FILE',
    ):  # fmt: skip
        assert part in str(caught.value)
    assert not place.exists(), 'nothing half fetched'
    theirs = timm_vit()
    names = to_mmpretrain(theirs.state_dict())
    torch.save(dict(state_dict={f'backbone.{names[k]}': v for k, v in theirs.state_dict().items()}, meta={}), place)
    for checkpoint in (URL, str(place)):
        assert torch.equal(our_vit(dict(init, checkpoint=checkpoint)).pos_embed, theirs.pos_embed)


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'file'))
    with pytest.raises(FileNotFoundError, match=r'(?s)in the cache at .*Not a directory.*init_cfg\.checkpoint=FILE'):
        our_vit(dict(type='Pretrained', checkpoint=URL, prefix='backbone.'))


def test_a_cached_file_that_was_cut_off_is_named(tmp_path):
    place = tmp_path / 'torch' / 'hub' / 'checkpoints' / URL.rpartition('/')[2]
    place.parent.mkdir(parents=True)
    torch.save(dict(x=torch.ones(999)), place)
    place.write_bytes(place.read_bytes()[:900])
    with pytest.raises(ValueError, match=r'deit-small_pt.*\.pth must be a complete file'):
        our_vit(dict(type='Pretrained', checkpoint=URL, prefix='backbone.'))


@pytest.mark.parametrize('name', ['bert-base-uncased', 'owner/some-bert'])
def test_a_name_of_transformers(name, tmp_path):
    encoder = dict(type='mmt2ireid.BertTextEncoder', config=BERT)
    init = dict(type='mmt2ireid.HFPretrained', checkpoint=name)
    with pytest.raises(OSError) as caught:
        initialised(dict(encoder, init_cfg=init))
    place = tmp_path / 'hub' / f'models--{name.replace("/", "--")}'
    for part in (
        repr(name), f'https://huggingface.co/{name}', str(place), f'hf download {name} --local-dir FOLDER',
        'model.text_encoder.init_cfg.checkpoint=FOLDER', 'model.heads.mlm.init_cfg.checkpoint=FOLDER',
    ):  # fmt: skip
        assert part in str(caught.value)
    torch.manual_seed(0)
    theirs = BertForMaskedLM(BertConfig(**BERT))
    theirs.save_pretrained(hub_folder(tmp_path / 'hub', name))
    ours = initialised(dict(encoder, init_cfg=init))
    assert isinstance(ours, BertTextEncoder)
    word = 'embeddings.word_embeddings.weight'
    assert torch.equal(ours.bert.state_dict()[word], theirs.bert.state_dict()[word])


@pytest.mark.parametrize(
    ('tag', 'parts'),
    [
        (dict(url='https://example.invalid/a/tiny.pt', quick_gelu=True),
         ('https://example.invalid/a/tiny.pt', 'curl -L -O https://example.invalid/a/tiny.pt', 'CACHE/tiny.pt',
          'quick_gelu=True')),
        (dict(hf_hub='owner/tiny/', quick_gelu=False),
         ('https://huggingface.co/owner/tiny', 'hf download owner/tiny --local-dir', 'CACHE/models--owner--tiny')),
    ],
)  # fmt: skip
@pytest.mark.parametrize('place', ['given', 'usual'])
def test_a_tag_of_open_clip(tag, parts, place, monkeypatch, tmp_path):
    open_clip = pytest.importorskip('open_clip')
    text = dict(context_length=8, vocab_size=20, width=8, heads=1, layers=1)
    vision = dict(image_size=32, layers=1, width=64, head_width=64, patch_size=16)
    config = dict(embed_dim=8, quick_gelu=tag['quick_gelu'], vision_cfg=vision, text_cfg=text)
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, 'ViT-tiny', config)
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, 'ViT-tiny', {'mine': tag})
    monkeypatch.setenv('HOME', str(tmp_path))
    cache = str(tmp_path / 'given') if place == 'given' else None
    init = dict(type='mmt2ireid.OpenCLIPPretrained', pretrained='mine', cache_dir=cache)
    with pytest.raises(FileNotFoundError) as caught:
        initialised(dict(type='mmt2ireid.OpenCLIPImageEncoder', model='ViT-tiny', init_cfg=init))
    usual = tmp_path / ('.cache/clip' if 'url' in tag else 'hub')
    for part in ("model 'ViT-tiny', tag 'mine'", 'pretrained=FILE', 'model.image_encoder.init_cfg.pretrained=FILE',
                 'model.text_encoder.init_cfg.pretrained=FILE', *parts):  # fmt: skip
        assert part.replace('CACHE', cache or str(usual)) in str(caught.value)


def test_a_model_of_the_hub_for_open_clip(tmp_path):
    pytest.importorskip('open_clip')
    init = dict(type='mmt2ireid.OpenCLIPPretrained', model='hf-hub:owner/clip')
    encoder = dict(type='mmt2ireid.OpenCLIPTextEncoder', model='ViT-B-16', init_cfg=init)
    small = dict(embed_dim=8, vision_cfg=dict(image_size=32, layers=1, width=64, head_width=64, patch_size=16),
                 text_cfg=dict(context_length=8, vocab_size=20, width=8, heads=1, layers=1))  # fmt: skip
    with pytest.raises(FileNotFoundError) as caught:
        initialised(dict(encoder, model=small))
    place = tmp_path / 'hub' / 'models--owner--clip'
    for part in ("'hf-hub:owner/clip'", str(place), 'hf download owner/clip', 'init_cfg.model=local-dir:FOLDER'):
        assert re.search(re.escape(part), str(caught.value)), part


def test_a_model_without_weights_fetches_none():
    """What ``get_model`` leaves out of a config knows all of our initialisers."""
    from mmt2ireid.apis.model_zoo import PRETRAINED_TYPES
    from mmt2ireid.registry import WEIGHT_INITIALIZERS

    WEIGHT_INITIALIZERS.import_from_location()
    own = set(WEIGHT_INITIALIZERS.module_dict)
    assert own >= {'HFPretrained', 'TIMMPretrained', 'BackbonePretrained', 'OpenCLIPPretrained'}
    assert own <= set(PRETRAINED_TYPES)
