"""Converters on the command line, and what the other tools make of their results."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from converter_parts import (
    IRRA_HEADS,
    IRRA_SIZES,
    PIXELS,
    ROOT,
    documented,
    published_unipt,
)
from mmengine.config import Config
from PIL import Image
from published_models import (
    in_half,
    irra_embeddings,
    irra_state,
)
from safetensors import safe_open

from mmt2ireid.apis.converters import UNIPT, convert_command

pytest.importorskip('open_clip')


@pytest.fixture(scope='module')
def unipt(tmp_path_factory):
    return published_unipt(tmp_path_factory.mktemp('unipt'))


def test_the_table(unipt, tmp_path, capsys):
    arguments = [str(unipt[0]), str(tmp_path / 'x.pth'), '--config', str(unipt[2])]
    convert_command(UNIPT, 'words', arguments)
    table = capsys.readouterr().out
    assert '| transformer.blocks | image_encoder.layers | 24 |' in table
    assert '| clip.visual, clip | not needed: the frozen CLIP' in table
    rows = [line.split(' | ') for line in table.splitlines() if line.startswith('| ')][2:]
    assert sum(int(row[2]) for row in rows) == len(unipt[1])
    assert sum(int(row[3].rstrip(' |').replace(',', '')) for row in rows) == sum(v.numel() for v in unipt[1].values())
    convert_command(UNIPT, 'words', [*arguments, '--force', '--keys'])
    listed = capsys.readouterr().out
    assert all(f'| {key} | ' in listed for key in unipt[1])


@pytest.mark.parametrize(('interpolation', 'published'), [('bilinear', 2), ('bicubic', 3)])
def test_pictures_as_the_authors_prepare_them(tmp_path, interpolation, published):
    """Theirs are resized by Pillow: of IRRA bilinearly, of UniPT bicubically. Ours are, where the config says so."""
    transforms = pytest.importorskip('torchvision.transforms')
    from mmcv.transforms import Resize

    from mmt2ireid.registry import MODELS, TRANSFORMS
    from mmt2ireid.structures import PersonSample

    values = np.random.default_rng(0).integers(0, 256, (90, 41, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / 'person.png')
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    way = transforms.InterpolationMode.BILINEAR if published == 2 else transforms.InterpolationMode.BICUBIC
    theirs = transforms.Compose(
        [transforms.Resize((64, 32), way), transforms.ToTensor(), transforms.Normalize(mean, std)]
    )
    item = TRANSFORMS.build(dict(type='mmt2ireid.LoadPersonImage'))(dict(img_path=str(tmp_path / 'person.png')))
    item = Resize(scale=(32, 64), backend='pillow', interpolation=interpolation)(item)
    preprocessor = MODELS.build(dict(type='mmt2ireid.PairDataPreprocessor', **PIXELS))
    image = torch.from_numpy(np.ascontiguousarray(item['img'].transpose(2, 0, 1)))
    sample = PersonSample(token_ids=[torch.tensor([1, 2])])
    found = preprocessor(dict(inputs=[image], data_samples=[sample]))['inputs'].images[0]
    torch.testing.assert_close(found, theirs(Image.open(tmp_path / 'person.png')), atol=1e-5, rtol=1e-5)


WORLD_CONFIG = """# A narrow IRRA on a small toy world.
_base_ = [
    '{root}/configs/_base_/datasets/toy_clip_masked.py',
    '{root}/configs/_base_/schedules/toy_finetune.py',
    '{root}/configs/_base_/default_runtime.py',
]
clip = dict(
    embed_dim=24, quick_gelu=True,
    vision_cfg=dict(image_size=64, layers=2, width=32, head_width=16, patch_size=16),
    text_cfg=dict(context_length=64, vocab_size=49408, width=16, heads=2, layers=2))
model = dict(
    type='DualEncoder',
    data_preprocessor=dict(
        type='PairDataPreprocessor', mean=[122.7709383, 116.7460125, 104.09373615],
        std=[68.5005327, 66.6321579, 70.32316305]),
    image_encoder=dict(type='OpenCLIPImageEncoder', model=clip, image_size=(96, 48)),
    text_encoder=dict(type='OpenCLIPTextEncoder', model=clip),
    img_neck=dict(type='GlobalTokenNeck', out_channels=24),
    txt_neck=dict(type='GlobalTokenNeck', out_channels=24),
    heads=dict(
        sdm=dict(type='SimilarityDistributionHead'),
        irr=dict(type='ImplicitReasoningHead', vocab_size=49408, dim=24, num_layers=2, num_heads=3),
        identity=dict(type='IdentityHead', num_classes=8, in_channels=24)))
train_dataloader = dict(batch_size=8)
test_evaluator = dict(out_file='features.safetensors')
train_cfg = dict(max_epochs=1, val_interval=1)
"""


def test_the_tools_take_the_result(tmp_path, monkeypatch):
    """tools/test.py evaluates the published features, tools/train.py starts from them."""
    from mmt2ireid.datasets.toy import ToyOptions, make_toy_pedes
    from mmt2ireid.text import CLIPTokenizer

    def use(name, *arguments):
        path = ROOT / 'tools' / f'{name}.py'
        scope: dict = {'__name__': f'tool_{path.stem}'}
        exec(compile(path.read_text(), path, 'exec'), scope)
        return scope['main']([str(argument) for argument in arguments])

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.setenv('LOCAL_RANK', '0')
    options = ToyOptions(train_ids=8, val_ids=3, test_ids=3, images_per_id=2, pool=0, second_ids=3)
    make_toy_pedes(Path('data/toy_pedes'), options, workers=0, progress=False)
    sizes = dict(IRRA_SIZES, positions=19, vocab=49408, context=64, classes=8)
    state = in_half(irra_state(**sizes))
    torch.save(dict(model=state), 'best.pth')
    Path('irra_world.py').write_text(WORLD_CONFIG.format(root=ROOT))
    use('model_converters/irra', 'best.pth', 'irra.pth', '--config', 'irra_world.py')

    use('test', 'irra_world.py', 'irra.pth', '--out', 'metrics.json')
    with safe_open('features.safetensors', 'pt') as file:
        found = {key: file.get_tensor(key) for key in ('img_feats', 'txt_feats')}
        names = json.loads(file.metadata()['mmt2ireid.retrieval_features'])
    single = {key: value.float() for key, value in state.items()}
    tokenizer = CLIPTokenizer(max_length=64, mask_token=True)
    ids = torch.zeros(len(names['captions']), 64, dtype=torch.int64)
    for row, encoded in enumerate(tokenizer(names['captions'])):
        ids[row, : len(encoded)] = torch.as_tensor(encoded)
    files = [np.asarray(Image.open(path).convert('RGB')) for path in names['img_paths']]
    images = np.stack([cv2.resize(picture, (48, 96), interpolation=cv2.INTER_CUBIC) for picture in files])
    mean, std = (torch.tensor(PIXELS[name]).view(3, 1, 1) for name in ('mean', 'std'))
    images = (torch.from_numpy(images).permute(0, 3, 1, 2).float() - mean) / std
    shown = images.repeat_interleave(len(ids) // len(images), 0)
    for name, embed in zip(('img_feats', 'txt_feats'), irra_embeddings(single, shown, ids, IRRA_HEADS), strict=True):
        expected = torch.nn.functional.normalize(embed, dim=1)
        expected = expected[:: len(expected) // len(found[name])]
        torch.testing.assert_close(found[name], expected, atol=1e-5, rtol=1e-5)

    changes = ['load_from=irra.pth', 'optim_wrapper.optimizer.lr=0']
    use('train', 'irra_world.py', '--work-dir', 'run', '--cfg-options', *changes)
    trained = torch.load('run/epoch_1.pth', weights_only=True)['state_dict']
    converted = torch.load('irra.pth', weights_only=True)['state_dict']
    assert trained.keys() == converted.keys()
    for key, value in converted.items():
        assert torch.allclose(trained[key], value, atol=1e-7), key


def test_the_documented_options_of_the_pipelines():
    cfg = Config.fromfile(ROOT / 'configs/irra/vitb16_cuhk_irra.py')
    cfg.merge_from_dict(documented('test_dataloader.dataset.pipeline.1.backend=pillow'))
    step = cfg.test_dataloader.dataset.pipeline[1]
    assert (step.type, step.backend, step.interpolation) == ('Resize', 'pillow', 'bilinear')
