import pytest
import torch
from mmengine.config import Config

from mmt2ireid.apis import find_config, get_model

TOY = 'toy/unipt_vit_pool'


def test_a_name_a_path_and_a_config_are_the_same(monkeypatch, tmp_path):
    by_name = get_model(TOY)
    path = find_config(TOY).resolve()
    monkeypatch.chdir(tmp_path)
    by_path, by_config = get_model(path), get_model(Config.fromfile(path))
    shapes = {key: value.shape for key, value in by_name.state_dict().items()}
    for model in (by_path, by_config):
        assert {key: value.shape for key, value in model.state_dict().items()} == shapes
        assert not model.training


@pytest.mark.parametrize('name', [TOY, f'{TOY}.py', f'configs/{TOY}', f'configs/{TOY}.py'])
def test_names_work_from_any_folder(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert find_config(name).name == 'unipt_vit_pool.py'


def test_unknown_config_is_named():
    with pytest.raises(FileNotFoundError, match='unipt/nothing'):
        get_model('unipt/nothing')


def test_random_weights_ask_for_nothing(monkeypatch):
    """A config whose encoders name weights builds without them, and is left as it was."""
    cfg = Config.fromfile(find_config('unipt/deits_cuhk_generic'))
    cfg.model.image_encoder.arch = dict(embed_dims=384, num_layers=1, num_heads=6, feedforward_channels=64)
    cfg.model.text_encoder.config = dict(num_hidden_layers=1, vocab_size=100)
    before = cfg.model.to_dict()
    monkeypatch.setattr('torch.hub.load_state_dict_from_url', lambda *_, **__: pytest.fail('asked the network'))
    get_model(cfg)
    assert cfg.model.to_dict() == before


@pytest.mark.parametrize(
    'image_encoder',
    [
        dict(
            init_cfg=[
                dict(type='TruncNormal', layer='Linear', std=0.02),
                dict(type='mmengine.Pretrained', checkpoint='https://nowhere.invalid/weights.pth'),
            ]
        ),
        dict(_delete_=True, type='mmpretrain.TIMMBackbone', model_name='resnet18', features_only=True, pretrained=True),
    ],
    ids=['list', 'timm'],
)
def test_random_weights_in_spite_of_other_ways_to_ask_for_some(monkeypatch, image_encoder):
    import timm

    create = timm.create_model
    monkeypatch.setattr(
        timm, 'create_model', lambda *a, pretrained=False, **k: pytest.fail('asked') if pretrained else create(*a, **k)
    )
    cfg = Config.fromfile(find_config(TOY))
    cfg.merge_from_dict(dict(model=dict(image_encoder=image_encoder)))
    get_model(cfg)
    assert cfg.model.image_encoder.get('pretrained') == image_encoder.get('pretrained')


def test_says_nothing_of_each_parameter(capfd):
    get_model(TOY)
    output = ''.join(capfd.readouterr())
    assert 'text_encoder.bert' not in output


def test_loads_a_checkpoint(tmp_path):
    model = get_model(TOY)
    with torch.no_grad():
        for param in model.parameters():
            param.add_(torch.randn_like(param))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'weights.pth')
    loaded = get_model(TOY, pretrained=str(tmp_path / 'weights.pth'))
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in model.state_dict().items())


def test_a_checkpoint_without_the_heads_is_enough_one_without_encoders_is_not(tmp_path):
    state = get_model(TOY).state_dict()
    path = tmp_path / 'weights.pth'
    torch.save({key: value for key, value in state.items() if not key.startswith('heads.')}, path)
    get_model(TOY, pretrained=str(path))
    torch.save({key: value for key, value in state.items() if not key.startswith('text_encoder.')}, path)
    with pytest.raises(ValueError, match='text_encoder'):
        get_model(TOY, pretrained=str(path))
    with pytest.raises(FileNotFoundError):
        get_model(TOY, pretrained=str(tmp_path / 'missing.pth'))


def test_what_fits_itself_to_a_checkpoint_is_loaded(tmp_path, capfd):
    """A memory whose size the config leaves open takes the checkpoint's, and so do thresholds found with it."""
    cfg = Config.fromfile(find_config('toy/cmmt_vit_toy'))
    cfg.model.heads.memory.update(num_images=3, num_captions=5)
    model = get_model(cfg)
    memory = model.heads['memory']
    memory.img_memory.set_features(torch.randn(3, memory.img_memory.dim))
    memory.set_thresholds([0.5, 0.7])
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'whole.pth')
    cfg.model.heads.memory.update(num_images=None, num_captions=None)
    found = get_model(cfg, str(tmp_path / 'whole.pth')).state_dict()
    assert all(torch.equal(value, found[key]) for key, value in model.state_dict().items())
    assert 'stay as initialised' not in ''.join(capfd.readouterr())
