"""A plugin in fact: full type names under other default scopes, in a plain Runner; configs and tools in the wheel."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner

ROOT = Path(__file__).resolve().parent.parent
BERT = dict(vocab_size=64, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64)


@pytest.fixture
def world(tmp_path):
    """Eight persons, two pictures each, in the layout of CUHK-PEDES, and a tokenizer."""
    import json

    rng = np.random.default_rng(0)
    records = []
    (tmp_path / 'imgs' / 'cam_a').mkdir(parents=True)
    for split, first in (('train', 1), ('val', 5)):
        for pid in range(first, first + 4):
            for image in range(2):
                path = f'cam_a/{pid}_{image}.png'
                cv2.imwrite(str(tmp_path / 'imgs' / path), rng.integers(0, 255, (48, 24, 3), dtype=np.uint8))
                records.append(
                    dict(
                        split=split,
                        id=pid,
                        file_path=path,
                        processed_tokens=[],
                        captions=[f'person number {pid}', f'number {pid}, a person'],
                    )
                )
    (tmp_path / 'reid_raw.json').write_text(json.dumps(records))
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'person', 'number', 'a', ',', *map(str, range(10))]
    (tmp_path / 'tokenizer').mkdir()
    (tmp_path / 'tokenizer' / 'vocab.txt').write_text('\n'.join(words))
    (tmp_path / 'tokenizer' / 'tokenizer_config.json').write_text(
        json.dumps(dict(tokenizer_class='BertTokenizer', do_lower_case=True))
    )
    return tmp_path


def full_name_config(world, scope):
    tokenizer = dict(type='mmt2ireid.HFTokenizer', name_or_dir=str(world / 'tokenizer'))
    pipeline = [
        dict(type='mmt2ireid.LoadPersonImage'),
        dict(type='mmt2ireid.Tokenize', tokenizer=tokenizer),
        dict(type='mmt2ireid.MaskTokens', tokenizer=tokenizer, prob=0.5),
        dict(type='mmt2ireid.PackPersonInputs'),
    ]

    def loader(split, unit, sampler):
        return dict(
            batch_size=4,
            num_workers=0,
            sampler=sampler,
            dataset=dict(type='mmt2ireid.CUHKPEDES', data_root=str(world), split=split, unit=unit, pipeline=pipeline),
        )

    neck = dict(type='mmt2ireid.ConvMaxPoolNeck', in_channels=32, out_channels=32)
    return Config(
        dict(
            default_scope=scope,
            custom_imports=dict(imports=['mmt2ireid']),
            work_dir=str(world / 'run'),
            model=dict(
                type='mmt2ireid.DualEncoder',
                data_preprocessor=dict(type='mmt2ireid.PairDataPreprocessor'),
                image_encoder=dict(
                    type='mmpretrain.VisionTransformer',
                    img_size=(48, 24),
                    patch_size=12,
                    out_type='raw',
                    arch=dict(embed_dims=32, num_layers=1, num_heads=2, feedforward_channels=64),
                ),
                text_encoder=dict(type='mmt2ireid.BertTextEncoder', config=BERT),
                img_neck=neck,
                txt_neck=neck,
                heads=dict(
                    contrastive=dict(type='mmt2ireid.ContrastiveHead', loss=dict(type='mmt2ireid.ContrastiveLoss')),
                    mlm=dict(type='mmt2ireid.MLMHead', config=BERT, loss=dict(type='mmt2ireid.MLMLoss')),
                    identity=dict(type='mmt2ireid.IdentityHead', num_classes=4, in_channels=32),
                    ranking=dict(type='mmt2ireid.RankingHead', loss=dict(type='mmt2ireid.RankingLoss')),
                    pgu=dict(type='mmt2ireid.PGUHead', num_classes=4, dim=32, head_dim=32, ffn_dim=32),
                ),
            ),
            train_dataloader=loader(
                'train', 'pair', dict(type='mmt2ireid.IdentitySampler', num_pids=2, num_instances=2)
            ),
            val_dataloader=loader('val', 'image', dict(type='mmengine.DefaultSampler', shuffle=False)),
            val_evaluator=dict(type='mmt2ireid.RetrievalMetric', directions=('t2i', 'i2t')),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            val_cfg=dict(),
            optim_wrapper=dict(
                type='mmengine.OptimWrapper',
                constructor='mmt2ireid.GroupedOptimWrapperConstructor',
                optimizer=dict(type='AdamW', lr=1e-3),
            ),
            default_hooks=dict(
                runtime_info=dict(type='mmt2ireid.DeferredRuntimeInfoHook'),
                checkpoint=dict(type='mmt2ireid.AtomicCheckpointHook', save_best='t2i/R1', rule='greater'),
            ),
            custom_hooks=[
                dict(type=f'mmt2ireid.{name}')
                for name in (
                    'StepSeedHook',
                    'CheckpointGuardHook',
                    'IdentityCountHook',
                    'NaNGuardHook',
                    'SkippedImagesHook',
                    'ProgressBarHook',
                )
            ],
            randomness=dict(seed=0),
            experiment_name=f'plugin_{scope}',
        )
    )


@pytest.mark.parametrize('scope', ['mmengine', 'mmpretrain', 'mmt2ireid'])
def test_full_names_in_a_plain_runner(world, scope):
    runner = Runner.from_cfg(full_name_config(world, scope))
    runner.train()
    metrics = runner.val()
    assert {'t2i/R1', 't2i/mAP', 'i2t/mINP'} <= set(metrics)
    assert (world / 'run' / 'epoch_1.pth').is_file()


def test_a_fresh_process_needs_only_the_import(world):
    """Nothing that another test imported helps: types are found through custom_imports alone."""
    full_name_config(world, 'mmpretrain').dump(world / 'config.py')
    code = (
        'from mmengine.config import Config; from mmengine.runner import Runner;'
        f'Runner.from_cfg(Config.fromfile({str(world / "config.py")!r})).train()'
    )
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], check=True, cwd=ROOT, capture_output=True)


def test_importing_the_package_is_light():
    code = (
        'import sys, mmt2ireid;'
        'heavy = {"mmpretrain", "transformers", "cv2", "matplotlib", "open_clip"} & set(sys.modules);'
        'sys.exit(f"imported {heavy}" if heavy else 0)'
    )
    subprocess.run([sys.executable, '-c', code], check=True, cwd=ROOT)


@pytest.fixture
def clone(tmp_path):
    """The tracked files, away from what earlier builds left in the checkout; and their names."""
    pytest.importorskip('setuptools')
    listing = subprocess.run(['git', 'ls-files'], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = {name for name in listing.split() if (ROOT / name).is_file()} | {'MANIFEST.in'}
    for name in names:
        (tmp_path / 'clone' / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / 'clone' / name)
    return tmp_path / 'clone', names


def test_the_wheel_carries_configs_and_tools(clone, tmp_path):
    folder, names = clone
    (folder / 'tools' / '.mypy_cache').mkdir()
    (folder / 'tools' / '.mypy_cache' / 'cache.db').touch()
    options = ['-q', '--no-deps', '--no-build-isolation', '-w', str(tmp_path)]
    subprocess.run([sys.executable, '-m', 'pip', 'wheel', *options, str(folder)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob('mmt2ireid-*.whl')
    with zipfile.ZipFile(wheel) as content:
        packed = set(content.namelist())
        content.extractall(tmp_path / 'site')
    assert {
        f'mmt2ireid/.mim/{name}' for name in names if name.startswith(('configs/', 'tools/', 'model-index'))
    } <= packed
    assert {name for name in names if name.startswith('mmt2ireid/')} <= packed
    assert not [name for name in packed if '_cache' in name], 'what linters leave in the folder of tools'
    # Away from the checkout, a config is found by its name in what was installed.
    code = 'from mmt2ireid.apis import find_config; print(find_config("unipt/vitb16_cuhk"))'
    found = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'PYTHONPATH': str(tmp_path / 'site')},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == str(
        tmp_path / 'site' / 'mmt2ireid' / '.mim' / 'configs' / 'unipt' / 'vitb16_cuhk.py'
    )


def test_the_sdist_carries_what_a_build_needs(clone):
    """`python -m build` makes the wheel from the sdist."""
    folder, names = clone
    subprocess.run([sys.executable, 'setup.py', '-q', 'sdist'], cwd=folder, check=True, capture_output=True)
    (archive,) = (folder / 'dist').glob('mmt2ireid-*.tar.gz')
    with tarfile.open(archive) as content:
        packed = {name.split('/', 1)[-1] for name in content.getnames()}
    needed = ('configs/', 'tools/', 'requirements/', 'mmt2ireid/', 'model-index.yml', 'setup.py', 'README.md')
    assert {name for name in names if name.startswith(needed)} <= packed
