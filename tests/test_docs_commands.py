"""Every command and every piece of Python in the documents is run here, or stands here with the reason why not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doc_blocks import DOCUMENTS, METHODS, ROOT, anchors, blocks, commands, links

CONFIG = 'configs/toy/unipt_vit_toy_scratch.py'
SMALL = (
    'train_cfg.max_epochs=1 train_cfg.val_interval=1 train_dataloader.batch_size=8 log_level=WARNING '
    'model.heads.identity.num_classes=8 model.heads.pgu.num_classes=8'
)

# Document -> commands that are run in this order. The number is the exit status, where it is not 0.
RUN: dict[str, list[tuple[str, int]]] = {
    'gallery.md': [
        (r'python tools/search\.py .*--out strip\.png', 0),
        (r'python tools/search\.py --image person\.jpg .*', 0),
        (r"python tools/search\.py 'with a backpack' .*", 0),
        (r'python tools/search\.py .*--pattern .*--where camera=cam_a,cam_b', 0),
        (r'python tools/export\.py CONFIG CHECKPOINT --out exported/', 0),
        (r'python tools/search\.py .*--model exported/', 0),
    ],
    'configs.md': [(r'python -c .*', 0)],
    'your_own_data.md': [
        (r'python tools/check_dataset\.py own data/mine', 0),
        (r'python tools/check_captions\.py data/mine/reid_raw\.json', 0),
    ],
}
# The same, with shortened trainings; slow.
TRAIN: dict[str, list[tuple[str, int]]] = {
    'configs.md': [
        (rf'python tools/train\.py {CONFIG} --cfg-options .*', 0),
        (r'PYTHONPATH=\. python tools/train\.py configs/mine/cosine_gap\.py', 0),
    ],
    'several_gpus.md': [(rf'python tools/train\.py {CONFIG}', 0), (rf'bash tools/dist_train\.sh {CONFIG} 2', 0)],
    'your_own_data.md': [
        (rf'python tools/train\.py {CONFIG} --work-dir work_dirs/try', 0),
        (rf'python tools/test\.py {CONFIG} work_dirs/try/best.* --report reports/try', 0),
    ],
}
ELSEWHERE = {
    r'bash tools/(quickstart|run_tests)\.sh': 'the whole path: walked on a clean clone',
    r'pip install .*': 'installs',
    r'(\S+=\S+ )*bash tools/(dist|slurm)_train\.sh .*(vitb16_lupt|unipt_vit_pool).*': 'GPUs, machines, a long training',
    r'python tools/(train|test)\.py configs/(unipt|cmmt|irra|mine)/.*': 'real data and weights',
    r'python tools/build_vocabulary\.py configs/cmmt/.* --checkpoint .*': 'published; test_apis/test_vocabulary.py',
    r'python tools/check_dataset\.py CUHK-PEDES data/CUHK-PEDES': 'real data; test_tools/test_check_dataset.py',
    r'python tools/benchmark_train\.py configs/unipt/.*': 'a GPU; test_apis/test_benchmark.py',
    r'python tools/crop_people\.py .*': 'fetches weights; test_apis/test_people.py',
    r"python tools/search\.py 'a woman in a red coat' --gallery crops/ --config CONFIG .*": 'in gallery.md it is run',
    r'python tools/search\.py .* --config configs/irra/.*': 'published files; test_apis/test_search_encoder.py',
    r'python tools/web_demo\.py .*': 'runs until it is stopped; test_tools/test_web_demo.py',
    r'(torchrun .*|python )tools/(generate|analyze)_pseudo_texts\.py .*': "CLIP's weights; test_generate_*.py",
    r'python tools/check_captions\.py captions/captions\.json': 'made by the former; test_check_captions.py',
    r'python tools/draw_clusters\.py .*': 'test_tools/test_draw_clusters.py',
    r'python tools/model_converters/.*': 'published files; test_tools/test_converter_tools.py and test_models',
    r'.*--report reports/(one|seeds|epochs|two)( .*)?': 'test_tools/test_report.py',
    r'python tools/cross_dataset\.py .*': 'test_tools/test_report.py',
}
PYTHON_ELSEWHERE = {
    'datasets.md': 'pieces of configs; test_datasets/test_noisy_pairs.py, test_weighted_concat.py',
    'pseudo_texts.md': 'test_docs.py',
    'weights.md': 'pieces of configs; test_models/test_*_weights.py',
}
FILE = re.compile(r'# (\S+\.py)\n')  # how a block begins that is to be written to a file


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    """A checkout with data: a toy world of few persons, crops, a checkpoint of random weights."""
    import torch
    from mmengine.config import Config

    from mmt2ireid.apis import get_model
    from mmt2ireid.datasets.toy import ToyOptions, make_toy_pedes

    folder = tmp_path_factory.mktemp('checkout')
    for name in ('tools', 'mmt2ireid', 'docs'):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / 'configs', folder / 'configs')
    options = ToyOptions(train_ids=8, val_ids=4, test_ids=4, images_per_id=2, pool=2, second_ids=4)
    make_toy_pedes(folder / 'data/toy_pedes', options, workers=0, progress=False)
    (folder / 'data/mine').symlink_to(folder / 'data/toy_pedes')
    shutil.copytree(folder / 'data/toy_pedes/imgs', folder / 'crops')
    shutil.copy(next((folder / 'crops').rglob('*.png')), folder / 'person.jpg')
    torch.manual_seed(0)
    torch.save(dict(state_dict=get_model(Config.fromfile(ROOT / CONFIG)).state_dict()), folder / 'checkpoint.pth')
    return folder


def run(place, command, status=0):
    command = re.sub(r'\bCONFIG\b', CONFIG, re.sub(r'\bCHECKPOINT\b', 'checkpoint.pth', command))
    python = Path(sys.executable).parent
    environment = {key: value for key, value in os.environ.items() if key not in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK')}
    environment.update(OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='', PYTHONPATH=str(ROOT), PYTHON=sys.executable)
    environment['PATH'] = f'{python}{os.pathsep}{environment["PATH"]}'
    done = subprocess.run(
        ['bash', '-c', command], cwd=place, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == status, f'{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}'


def matching(document, wanted):
    """The commands of a document that are to be run, with their exit status."""
    lines = commands(ROOT / 'docs' / document)
    for pattern, status in wanted:
        (line,) = [line for line in lines if re.fullmatch(pattern, line)]
        yield line, status


@pytest.mark.parametrize('document', RUN)
def test_commands_work(place, document):
    for line, status in matching(document, RUN[document]):
        run(place, line, status)


@pytest.mark.slow
@pytest.mark.parametrize('document', TRAIN)
def test_trainings_work(place, document):
    write_files(place, ROOT / 'docs' / document)
    for line, status in matching(document, TRAIN[document]):
        if '--cfg-options' in line:
            line = line.partition('--cfg-options')[0] + f'--cfg-options {line.partition("--cfg-options")[2]} {SMALL}'
        else:
            line = f'{line} --cfg-options {SMALL}'
        run(place, line, status)


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.name)
def test_every_command_is_run_or_says_why_not(document):
    known = [pattern for part in (RUN, TRAIN) for pattern, _ in part.get(document.name, [])]
    lost = [line for line in commands(document) if not any(re.fullmatch(p, line) for p in (*known, *ELSEWHERE))]
    assert not lost, 'commands that no test knows'


def test_no_reason_is_left_over():
    lines = [line for document in DOCUMENTS for line in commands(document)]
    assert [pattern for pattern in ELSEWHERE if not any(re.fullmatch(pattern, line) for line in lines)] == []
    assert [name for name in PYTHON_ELSEWHERE if not blocks(ROOT / 'docs' / name, 'python')] == []


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.name)
def test_python_works(place, document, monkeypatch):
    """Files are written, configs among them are built; all else is run."""
    if document.name in PYTHON_ELSEWHERE:
        pytest.skip(PYTHON_ELSEWHERE[document.name])
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    for block in blocks(document, 'python'):
        if not FILE.match(block):
            scope = dict(CONFIG=CONFIG, CHECKPOINT='checkpoint.pth')
            exec(block if 'PersonSearcher' in block else without_files(block), scope)
    for file in write_files(place, document):
        if file.startswith('configs/'):
            build(file)


def write_files(place, document):
    """Writes the files that a document tells to write; their names."""
    files = {FILE.match(block)[1]: block for block in blocks(document, 'python') if FILE.match(block)}
    for file, block in files.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(block)
    return list(files)


def without_files(block):
    """The part of a block that needs no trained weights and no features."""
    return '\n'.join(line for line in block.splitlines() if "='best.pth'" not in line and 'query_feats' not in line)


def build(config):
    """The model of a config gives losses and gradients."""
    import torch
    from mmengine.config import Config

    from mmt2ireid.apis import get_model
    from mmt2ireid.structures import PairInputs, PairTargets

    cfg = Config.fromfile(config)
    if '/vitb16' in Path(config).read_text():  # full size: read, not trained
        hooks = [hook.dataloader for hook in cfg.custom_hooks if 'dataloader' in hook]
        loaders = [*hooks, *(cfg[f'{split}_dataloader'] for split in ('train', 'val', 'test'))]
        assert {loader.dataset.data_root for loader in loaders} == {'data/mine'}
        assert len(hooks) == ('cmmt' in config)
        assert 'identity' not in cfg.model.heads or cfg.model.heads.identity.num_classes == 250
        return
    model = get_model(cfg).train()
    pids = torch.tensor([0, 0, 1, 2])
    inputs = PairInputs(
        images=torch.randn(4, 3, 96, 48),
        token_ids=torch.randint(5, 90, (4, 9)),
        txt_mask=torch.ones(4, 9, dtype=torch.bool),
        num_captions=(1,) * 4,
        targets=PairTargets(pids, pids, torch.arange(4), None),
    )
    losses = model.loss(inputs)
    assert ('loss_cosine_gap' in losses) == ('cosine_gap' in config)
    assert any('pgu' in name for name in losses) == ('without_pgu' not in config)
    sum(losses.values()).backward()
    assert next(model.image_encoder.parameters()).grad.abs().sum() > 0


@pytest.mark.parametrize('document', METHODS, ids=lambda path: path.parent.name)
def test_commands_of_methods_have_files_and_options(document):
    """They need real data: that tools, configs and options are there is all that can be said."""
    for line in commands(document):
        words = line.split()
        files = [word for word in words if word.startswith(('tools/', 'configs/', 'mmt2ireid/'))]
        assert [file for file in files if not (ROOT / file).exists()] == [], line
        tool = next((ROOT / file for file in files if file.endswith('.py') and file.startswith('tools/')), None)
        options = {word for word in words if word.startswith('--')}
        assert tool is None or not {option for option in options if f"'{option}'" not in source(tool)}, line


def source(tool):
    """Of a tool and of the parts that tools share."""
    return '\n'.join(path.read_text() for path in (tool, *(ROOT / 'mmt2ireid').rglob('*.py')))


@pytest.mark.parametrize('document', [*DOCUMENTS, *METHODS], ids=lambda path: f'{path.parent.name}/{path.name}')
def test_links_lead_somewhere(document):
    broken = []
    for link in links(document):
        name, _, anchor = link.partition('#')
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_the_index_names_every_document():
    named = set(links(ROOT / 'docs' / 'README.md'))
    assert named == {path.name for path in (ROOT / 'docs').glob('*.md')} - {'README.md'}
