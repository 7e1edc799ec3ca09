"""The published checkpoint of CMMT: the authors' network in plain torch gives the same, and files that do not fit."""

from __future__ import annotations

import json
import pickle

import pytest
import torch
from converter_parts import double, loaded, save
from mmengine.config import Config
from torch import nn

from mmt2ireid.apis import find_config
from mmt2ireid.apis.converters import CMMT, convert_checkpoint, convert_command
from mmt2ireid.apis.converters.cmmt import read_words
from mmt2ireid.text import WordTokenizer

torchvision = pytest.importorskip('torchvision')

WORDS = ['a', '<START>', '<END>', 'man', 'The', 'tshirt']  # ids 0 to 5; 6 is an unknown word
CHANGES = {
    'model.image_encoder.depth': 18,
    'model.image_encoder.init_cfg': None,
    'model.img_neck.in_channels': 512,
    'model.img_neck.out_channels': 12,
    'model.txt_neck.in_channels': 10,
    'model.txt_neck.out_channels': 12,
    'model.text_encoder.vocab_size': len(WORDS) + 2,
    'model.text_encoder.embed_dims': 8,
    'model.text_encoder.hidden_dims': 5,
}


def published_state():
    """A narrow network with the authors' names, and DataParallel's."""
    torch.manual_seed(0)
    parts = dict(
        image_model=torchvision.models.resnet18(weights=None),
        conv_images=nn.Conv2d(512, 12, 1),
        conv_text=nn.Conv2d(10, 12, 1),
        bottleneck_image=nn.BatchNorm1d(12),
        bottleneck_text=nn.BatchNorm1d(12),
    )
    state = {f'{name}.{key}': value for name, part in parts.items() for key, value in part.state_dict().items()}
    state['bilstm.embed.weight'] = torch.randn(len(WORDS) + 1, 8)
    lstm = nn.LSTM(8, 5, num_layers=2, bidirectional=True, bias=False)
    state |= {f'bilstm.bilstm.0.{key}': value for key, value in lstm.state_dict().items()}
    for name in ('bottleneck_image', 'bottleneck_text'):
        state[f'{name}.running_mean'] = torch.randn(12)
        state[f'{name}.running_var'] = 0.5 + torch.rand(12)
    return {f'module.{key}': value.detach() for key, value in state.items()}


def published_embeddings(state, images, captions):
    """What their network makes of images and captions, caption by caption, in evaluation mode."""
    state = {key.removeprefix('module.'): value for key, value in double(state).items()}

    def part(module, name):
        module.double().load_state_dict({k[len(name) + 1 :]: v for k, v in state.items() if k.startswith(f'{name}.')})
        return module.eval()

    trunk = part(torchvision.models.resnet18(weights=None), 'image_model')
    trunk.fc = nn.Identity()
    lstm = part(nn.LSTM(8, 5, num_layers=2, bidirectional=True, bias=False), 'bilstm.bilstm.0')
    conv_images, conv_text = part(nn.Conv2d(512, 12, 1), 'conv_images'), part(nn.Conv2d(10, 12, 1), 'conv_text')
    img = conv_images(trunk(images)[:, :, None, None])[:, :, 0, 0]
    txt = []
    for ids in captions:
        outputs = lstm(state['bilstm.embed.weight'][ids][:, None])[0][:, 0]
        txt.append(conv_text(outputs[:, :, None, None])[:, :, 0, 0].max(dim=0).values)
    norms = [part(nn.BatchNorm1d(12), f'bottleneck_{name}') for name in ('image', 'text')]
    return norms[0](img), norms[1](torch.stack(txt))


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('cmmt')
    state = published_state()
    path = save(folder, dict(network=state, epoch=45, optimizer={}), '45.pth.tar')
    words = folder / 'word_to_index.pkl'
    words.write_bytes(pickle.dumps({word: number for number, word in enumerate(WORDS)}))
    out = folder / 'out.pth'
    conversion = convert_checkpoint(CMMT, path, out, changes=CHANGES, words=words)
    return path, words, out, state, conversion


def test_embeddings(files, tmp_path):
    _, _, out, state, _ = files
    cfg = Config.fromfile(find_config(CMMT.config))
    cfg.merge_from_dict({**CMMT.changes, **CHANGES})
    cfg.dump(tmp_path / 'narrow.py')
    model = loaded(tmp_path / 'narrow.py', out)
    vocabulary = torch.load(out, weights_only=True)['meta']['vocabulary']
    assert vocabulary == WORDS
    reading = {key: cfg.words[key] for key in ('lower_case', 'delete_punctuation', 'end_word')}
    tokenizer = WordTokenizer(vocabulary, **reading)
    captions = ['The man, a T-shirt man.', 'a man', 'An unknown a!']
    # Their ids by hand: punctuation deleted, case kept, START cut off, END kept, 6 unknown.
    theirs = [[4, 3, 0, 6, 3, 2], [0, 3, 2], [6, 6, 0, 2]]
    ids = tokenizer(captions)
    assert ids[0] == [6, 5, 2, 1, 5, 4]
    length = max(map(len, ids))
    padded = torch.tensor([row + [0] * (length - len(row)) for row in ids])
    mask = torch.tensor([[True] * len(row) + [False] * (length - len(row)) for row in ids])
    images = torch.randn(3, 3, 64, 32, dtype=torch.float64)
    with torch.no_grad():
        img, txt = published_embeddings(state, images, theirs)
        torch.testing.assert_close(model.image_features(images)[1], img, atol=1e-9, rtol=1e-9)
        torch.testing.assert_close(model.text_features(padded, mask)[1], txt, atol=1e-9, rtol=1e-9)


def test_every_entry_is_converted_or_listed(files):
    conversion, state = files[4], files[3]
    assert set(conversion.routes.unneeded) == {'image_model.fc.weight', 'image_model.fc.bias'}
    assert len(conversion.routes.mapped) + 2 == len(state) and not conversion.routes.unknown


def test_the_command(files, tmp_path, capsys):
    path, words, *_ = files
    arguments = [str(path), str(tmp_path / 'out.pth'), '--words', str(words), '--cfg-options']
    arguments += [f'{key}={value}' for key, value in CHANGES.items()]
    convert_command(CMMT, 'words', arguments)
    assert '| bilstm.bilstm | text_encoder' in capsys.readouterr().out
    with pytest.raises(SystemExit):
        convert_command(CMMT, 'words', [str(path), str(tmp_path / 'x.pth')])
    assert '--words' in capsys.readouterr().err


def test_other_files_of_words_are_refused(files, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / 'written'), 'w'))

    cases = [
        (pickle.dumps(Evil()), r'pickled dict of words to numbers and nothing else, but it asks for \w+.open'),
        (b'no pickle', 'pickled dict of words'),
        (b'', 'pickled dict of words'),
        (pickle.dumps(['a']), 'holds a list'),
        (pickle.dumps({'a': True}), 'holds a dict'),
        (pickle.dumps({'a': 0, 'b': 2}), r'number its 2 words 0, 1, \.\.\. without gaps'),
        (json.dumps({'a': 0}).encode(), 'pickled dict of words'),
    ]
    for content, message in cases:
        path = tmp_path / 'words.pkl'
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            read_words(str(path))
    assert not (tmp_path / 'written').exists()
    path.write_bytes(pickle.dumps({'a': 0, 'b': 1}))
    with pytest.raises(ValueError, match=r'must hold the 6 words of the file, .* but holds 2'):
        convert_checkpoint(CMMT, files[0], tmp_path / 'x.pth', changes=CHANGES, words=path)
    with pytest.raises(ValueError, match='words must be given for files of CMMT'):
        convert_checkpoint(CMMT, files[0], tmp_path / 'x.pth', changes=CHANGES)
    assert not (tmp_path / 'x.pth').exists()
