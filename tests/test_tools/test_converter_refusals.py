"""Published checkpoints that do not fit: each is refused in words, and nothing is written."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from converter_parts import (
    published_irra,
    published_unipt,
    save,
)

from mmt2ireid.apis.commands import USER_ERROR, run_command
from mmt2ireid.apis.converters import IRRA, UNIPT, Rule, convert_checkpoint, convert_command

pytest.importorskip('open_clip')


@pytest.fixture(scope='module')
def irra(tmp_path_factory):
    return published_irra(tmp_path_factory.mktemp('irra'))


@pytest.fixture(scope='module')
def unipt(tmp_path_factory):
    return published_unipt(tmp_path_factory.mktemp('unipt'))


class Harm:
    def __reduce__(self):
        return os.mkdir, ('harm_was_done',)


def without(state, *parts):
    return {key: value for key, value in state.items() if not any(part in key for part in parts)}


IRRA_BREAKS = [
    (lambda s: without(s, 'base_model.ln_final.bias'), r'missing: 1 \(text_encoder\.ln_final\.bias\)'),
    (lambda s: without(s, 'mlm_head', 'cross_', 'ln_pre_', 'ln_post'), r'missing: .*heads\.NAME=None'),
    (lambda s: {**s, 'prompt.weight': torch.ones(2)}, r'unknown: 1 \(prompt\.weight\): no rule says'),
    (
        lambda s: {**s, 'base_model.transformer.resblocks.2.ln_1.bias': torch.ones(16)},
        r'too many: 1 \(base_model\.transformer\.resblocks\.2\.ln_1\.bias\): the model has no place',
    ),
    (
        lambda s: {**s, 'classifier.weight': torch.ones(11, 24), 'classifier.bias': torch.ones(11)},
        r'of another shape: 2 \(classifier\.weight \(11, 24\) instead of \(7, 24\).*num_classes=11 here and',
    ),
    (
        lambda s: {**s, 'base_model.visual.positional_embedding': torch.ones(19, 32)},
        r'\(19, 32\) instead of \(9, 32\).*: the file has 19 positions',
    ),
    (lambda s: {**s, 'cross_attn.in_proj_bias': torch.full((72,), torch.nan)}, r'not finite: 1 \(heads\.irr'),
    (
        lambda s: {**s, 'classifier.bias': torch.ones(7, dtype=torch.int8)},
        r'no floating numbers: 1 \(classifier\.bias\)',
    ),
    (
        lambda s: {**s, 'classifier.bias': torch.ones(7, dtype=torch.complex64)},
        r'no floating numbers: 1 \(classifier\.bias\)',
    ),
    (lambda s: {**s, 'classifier.bias': torch.ones(7).to_sparse()}, r"dense tensors, but 'classifier\.bias' is"),
    (lambda s: {**s, 'classifier.bias': torch.empty(7, device='meta')}, r"dense tensors, but 'classifier\.bias' is"),
    (
        lambda s: {'visual.proj': s['base_model.visual.proj']},
        r'must be a checkpoint of IRRA, but .* called visual\.proj',
    ),
    (lambda s: {**s, 'epoch': 3}, r'must hold tensors by name .* no tensor is .epoch., a int'),
]


@pytest.mark.parametrize(('change', 'said'), IRRA_BREAKS)
def test_what_does_not_fit_is_named_and_nothing_written(irra, tmp_path, change, said):
    file, out = save(tmp_path, dict(model=change(dict(irra[1])))), tmp_path / 'x.pth'
    with pytest.raises(ValueError, match=f'(?s){said}'):
        convert_checkpoint(IRRA, file, out, config=irra[2])
    assert os.listdir(tmp_path) == ['best.pth']


def test_all_that_does_not_fit_is_said_at_once(irra, tmp_path, capsys):
    state = {**without(irra[1], 'ln_pre_t'), 'extra': torch.ones(1), 'classifier.bias': torch.ones(3)}
    out = tmp_path / 'x.pth'
    arguments = [str(save(tmp_path, dict(model=state))), str(out), '--config', str(irra[2])]
    with pytest.raises(SystemExit) as ended:
        run_command(lambda: convert_command(IRRA, 'words', arguments))
    error = capsys.readouterr().err
    assert ended.value.code == USER_ERROR
    assert error.startswith('error: ') and 'Traceback' not in error
    assert all(kind in error for kind in ('unknown: 1', 'missing: 2', 'of another shape: 1')) and not out.exists()


@pytest.mark.parametrize('kind', ['torch', 'pickle', 'script', 'list', 'empty'])
def test_files_that_are_no_weights(irra, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    content = io.BytesIO()
    if kind == 'torch':
        torch.save(dict(model=irra[1], args=Harm()), content)
    elif kind == 'pickle':
        pickle.dump(dict(model=Harm()), content)
    elif kind == 'script':
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), content)
    elif kind == 'list':
        torch.save([1, 2], content)
    else:
        torch.save({}, content)
    Path('foreign.pth').write_bytes(content.getvalue())
    with pytest.raises(ValueError, match=r'foreign\.pth (is refused|must (hold|be))'):
        convert_checkpoint(IRRA, 'foreign.pth', 'x.pth', config=irra[2])
    assert os.listdir() == ['foreign.pth']


def test_a_config_without_a_model_is_named(irra, tmp_path):
    (tmp_path / 'data.py').write_text('batch_size = 3')
    with pytest.raises(ValueError, match=r'data\.py must describe a model'):
        convert_checkpoint(IRRA, irra[0], tmp_path / 'x.pth', config=tmp_path / 'data.py')


@pytest.mark.parametrize('share', [0.0, 0.3, 0.99])
def test_a_truncated_file(irra, tmp_path, share):
    whole = irra[0].read_bytes()
    (tmp_path / 'cut.pth').write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r'cut\.pth must be a complete file'):
        convert_checkpoint(IRRA, tmp_path / 'cut.pth', tmp_path / 'x.pth', config=irra[2])
    assert os.listdir(tmp_path) == ['cut.pth']


class TestOut:
    def test_a_file_that_is_there_is_kept(self, irra, tmp_path):
        out = tmp_path / 'x.pth'
        out.write_text('mine')
        with pytest.raises(FileExistsError, match=r'x\.pth must not exist'):
            convert_checkpoint(IRRA, irra[0], out, config=irra[2])
        with pytest.raises(FileExistsError, match='must not exist'):
            convert_checkpoint(IRRA, irra[0], irra[0], config=irra[2], force=True)
        assert out.read_text() == 'mine'
        convert_checkpoint(IRRA, irra[0], out, config=irra[2], force=True)
        assert 'state_dict' in torch.load(out, weights_only=True)

    def test_killed_while_writing(self, irra, tmp_path, monkeypatch):
        def stop(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr('mmt2ireid.compat.files.os.replace', stop)
        with pytest.raises(KeyboardInterrupt):
            convert_checkpoint(IRRA, irra[0], tmp_path / 'x.pth', config=irra[2])
        assert not os.listdir(tmp_path)

    def test_another_ending_and_no_file(self, irra, tmp_path):
        with pytest.raises(ValueError, match=r'must end with \.pth'):
            convert_checkpoint(IRRA, irra[0], tmp_path / 'x.bin', config=irra[2])
        with pytest.raises(FileNotFoundError, match='must be a file'):
            convert_checkpoint(IRRA, tmp_path / 'nowhere.pth', tmp_path / 'x.pth', config=irra[2])


def test_a_rule_goes_one_way():
    with pytest.raises(ValueError, match='must have a target or a reason'):
        Rule('x', 'y', 'z')


class TestUniPT:
    def test_fine_tuned_by_lgurs_code(self, unipt, tmp_path):
        file = save(tmp_path, dict(network={'ImageExtract.x': torch.zeros(1)}, W={}, epoch=3, optimizer={}))
        with pytest.raises(ValueError, match=r"best\.pth is LGUR's, an LSTM .* neither code nor names"):
            convert_checkpoint(UNIPT, file, tmp_path / 'x.pth', config=unipt[2])

    def test_another_width(self, unipt, tmp_path):
        changes = {'model.img_neck.out_channels': 8, 'model.txt_neck.out_channels': 8}
        with pytest.raises(ValueError, match=r'img_proj\.weight \(20, 24\) instead of \(8, 24\).*out_channels=20'):
            convert_checkpoint(UNIPT, unipt[0], tmp_path / 'x.pth', config=unipt[2], changes=changes)

    def test_callbacks_of_lightning_are_not_built(self, unipt, tmp_path):
        """Lightning before 1.5 names callbacks by their class, and need not be installed where the file is read."""
        content = dict(state_dict=unipt[1], callbacks={'CLASS': {'best_model_score': None}})
        path = save(tmp_path, content, 'plain.ckpt')
        old = tmp_path / 'old.ckpt'
        name = b'cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n'
        with zipfile.ZipFile(path) as plain, zipfile.ZipFile(old, 'w') as changed:
            for info in plain.infolist():
                data = plain.read(info)
                if info.filename.endswith('data.pkl'):
                    key = b'X\x05\x00\x00\x00CLASS'
                    assert key in data
                    data = data.replace(key, name)
                changed.writestr(info, data)
        conversion = convert_checkpoint(UNIPT, old, tmp_path / 'x.pth', config=unipt[2])
        assert conversion.state.keys() == unipt[3].state.keys()
