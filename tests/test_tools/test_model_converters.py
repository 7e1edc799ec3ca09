"""Published checkpoints: the authors' networks and ours give the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from converter_parts import (
    IRRA_HEADS,
    MASK,
    ROOT,
    UNIPT_CONFIG,
    batch,
    captions,
    close,
    documented,
    double,
    loaded,
    pictures,
    published_irra,
    published_unipt,
    save,
    write,
)
from mmengine.config import Config
from published_models import (
    in_half,
    irra_embeddings,
    irra_state,
    irra_text,
    irra_words,
    unipt_image,
    unipt_state,
    unipt_text,
    unipt_tokens,
    unipt_words,
)

from mmt2ireid.apis import get_model
from mmt2ireid.apis.converters import IRRA, UNIPT, convert_checkpoint, convert_command
from mmt2ireid.engine.checkpoint_fit import compare

pytest.importorskip('open_clip')


@pytest.fixture(scope='module')
def irra(tmp_path_factory):
    return published_irra(tmp_path_factory.mktemp('irra'))


@pytest.fixture(scope='module')
def unipt(tmp_path_factory):
    return published_unipt(tmp_path_factory.mktemp('unipt'))


class TestIRRA:
    def test_embeddings(self, irra):
        _, state, config, _, out = irra
        model, (ids, mask), images = loaded(config, out), captions(), pictures()
        expected = irra_embeddings(double(state), images, ids, IRRA_HEADS)
        close(model.image_features(images)[1], expected[0])
        close(model.text_features(ids, mask)[1], expected[1])
        short = mask[1:].sum(1).max()
        close(model.text_features(ids[1:, :short], mask[1:, :short])[1], expected[1][1:])

    @torch.no_grad()
    def test_in_single_precision(self, irra):
        _, state, config, _, out = irra
        model, (ids, mask), images = loaded(config, out).float(), captions(), pictures().float()
        single = {key: value.float() for key, value in state.items()}
        img, txt = irra_embeddings(single, images, ids, IRRA_HEADS)
        torch.testing.assert_close(model.image_features(images)[1], img, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model.text_features(ids, mask)[1], txt, atol=1e-5, rtol=1e-5)

    def test_every_token_at_its_place(self, irra):
        _, state, config, _, out = irra
        model, (ids, mask) = loaded(config, out), captions()
        expected = irra_text(double(state), ids, 2)
        output = model.text_encoder(ids, mask)
        assert output.num_extra_tokens == 2 and output.mask.sum(1).tolist() == mask.sum(1).tolist()
        close(output.tokens, torch.cat([expected[torch.arange(3), mask.sum(1) - 1][:, None], expected], 1))
        model.text_encoder.keep_start = False
        usual = model.text_encoder(ids, mask)
        assert torch.equal(usual.tokens, output.tokens[:, [0, *range(2, 13)]])
        assert torch.equal(usual.mask, output.mask[:, 1:])

    def test_words_and_identities(self, irra):
        _, state, config, _, out = irra
        model, state, (ids, mask), images = loaded(config, out), double(state), captions(), pictures()
        positions = torch.tensor([1, 10, 12 + 2, 24 + 5])
        masked = ids.flatten().index_fill(0, positions[:3], MASK).view_as(ids)
        inputs = batch(images, ids, mask, masked, positions)
        features = replace(model.extract(inputs), masked_tokens=model.masked_tokens(inputs))
        expected = irra_words(state, images, masked, IRRA_HEADS).flatten(0, 1)[positions]
        close(model.heads['irr'].logits(features, inputs.targets.masked), expected)
        losses = model.loss(inputs)
        labels = ids.flatten()[positions]
        close_to = torch.nn.functional.cross_entropy
        assert losses['loss_irr'].item() == pytest.approx(close_to(expected, labels).item(), rel=1e-6)
        total = 0.0
        for embed in irra_embeddings(state, images, ids, IRRA_HEADS):
            logits = embed @ state['classifier.weight'].T + state['classifier.bias']
            close(model.heads['identity'].classifier(embed), logits)
            total += close_to(logits, inputs.targets.pids).item() / 2
        assert losses['loss_identity'].item() == pytest.approx(total, rel=1e-6)

    def test_where_the_authors_code_looks_matters(self, irra):
        """Without their way of looking, the same weights name other words: this is what the options are for."""
        _, _, config, _, out = irra
        model, (ids, mask) = loaded(config, out), captions()
        inputs = batch(pictures(), ids, mask, ids, torch.tensor([1, 14, 26]))
        features = replace(model.extract(inputs), masked_tokens=model.masked_tokens(inputs))
        found = []
        for start, places in ((True, True), (True, False), (False, True)):
            other = features
            if not start:
                tokens = torch.cat([features.txt_tokens[:, :1], features.masked_tokens[:, 1:]], 1)
                other = replace(features, masked_tokens=tokens)
            model.heads['irr'].all_places = places
            found.append(model.heads['irr'].logits(other, inputs.targets.masked))
        assert (found[0] - found[1]).abs().max() > 1e-3 and (found[0] - found[2]).abs().max() > 1e-3

    def test_every_entry_is_accounted_for(self, irra):
        _, state, _, conversion, out = irra
        assert set(conversion.routes.mapped) == set(state) and not conversion.routes.unneeded
        assert conversion.halves == sum(value.dtype == torch.float16 for value in state.values()) > 0
        content = torch.load(out, weights_only=True)
        assert all(value.dtype == torch.float32 for value in content['state_dict'].values())
        assert content['meta'] == dict(converted_from='best.pth', method='IRRA', config='narrow.py')

    def test_a_head_that_the_config_has_not(self, irra, tmp_path, capsys):
        arguments = [str(irra[0]), str(tmp_path / 'x.pth'), '--config', str(irra[2]), '--cfg-options']
        convert_command(IRRA, '', [*arguments, 'model.heads.irr=None', 'model.heads.identity=None'])
        table = capsys.readouterr().out
        assert '| classifier | not needed: the config has no heads.identity | 2 | 175 |' in table
        assert 'mlm_head.fc | not needed: the config has no heads.irr |' in table
        state = torch.load(tmp_path / 'x.pth', weights_only=True)['state_dict']
        assert not any(key.startswith('heads.') for key in state)

    def test_wrapped_and_bare(self, irra, tmp_path):
        wrapped = save(tmp_path, {f'module.{key}': value for key, value in irra[1].items()})
        conversion = convert_checkpoint(IRRA, wrapped, tmp_path / 'x.pth', config=irra[2])
        assert all(torch.equal(value, irra[3].state[key]) for key, value in conversion.state.items())


class TestUniPT:
    def test_embeddings(self, unipt):
        _, state, config, _, out = unipt
        model, state, images = loaded(config, out), double(state), pictures()
        ids, mask = captions(14)
        close(model.image_features(images)[1], unipt_image(state, images, 2))
        close(model.text_features(ids, mask)[1], unipt_text(state, ids, mask, 2))

    def test_words_and_the_contrastive_loss(self, unipt):
        _, state, config, _, out = unipt
        model, state, images = loaded(config, out), double(state), pictures()
        ids, mask = captions(14)
        positions = torch.tensor([1, 12, 14 + 2, 28 + 5])
        masked = ids.flatten().index_fill(0, positions[:3], MASK).view_as(ids)
        tokens = model.text_encoder(masked, mask).tokens
        head = model.heads['mlm']
        expected = unipt_words(state, masked, mask, 2)
        close(tokens[mask], unipt_tokens(state, masked, mask, 2)[mask])
        close(head.decoder(head.transform(tokens))[mask], expected[mask])
        losses = model.loss(batch(images, ids, mask, masked, positions))
        img = torch.nn.functional.normalize(unipt_image(state, images, 2), dim=1)
        txt = torch.nn.functional.normalize(unipt_text(state, ids, mask, 2), dim=1)
        logits, own = img @ txt.T, torch.arange(3)
        cross_entropy = torch.nn.functional.cross_entropy
        contrastive = (cross_entropy(logits, own) + cross_entropy(logits.T, own)).item() / 2
        assert losses['loss_contrastive'].item() == pytest.approx(contrastive, rel=1e-6)
        mlm = cross_entropy(expected.flatten(0, 1)[positions], ids.flatten()[positions])
        assert losses['loss_mlm'].item() == pytest.approx(mlm.item(), rel=1e-6)

    @pytest.mark.parametrize('size', [(64, 64), (96, 48), (128, 32), (48, 80)])
    def test_positions_for_pictures_of_any_size(self, unipt, tmp_path, size):
        """As many positions as the file's grid has (128 x 32) are no reason to take them as they are."""
        out = tmp_path / 'x.pth'
        convert_checkpoint(UNIPT, unipt[0], out, config=unipt[2], changes={'model.image_encoder.img_size': size})
        text = UNIPT_CONFIG.replace('img_size=(64, 32)', f'img_size={size}')
        images = pictures(size)
        found = loaded(write(tmp_path, text), out).image_features(images)[1]
        close(found, unipt_image(double(unipt[1]), images, 2), 1e-6)  # the new positions are kept in single precision

    def test_every_entry_is_accounted_for(self, unipt):
        _, state, _, conversion, _ = unipt
        routes = conversion.routes
        assert not routes.unknown and set(routes.mapped) | set(routes.unneeded) == set(state)
        unread = {key.split('.')[0] for key in routes.unneeded}
        assert unread == {'transformer', 'text_model', 'pooler', 'token_type_embeddings', 'clip'}
        read = ('cls_token', 'pos_embed', 'patch_embed', 'blocks', 'norm')
        kept = {key for key in state if key.startswith('transformer.') and key.split('.')[1] in read}
        assert kept == {key for key in routes.mapped if key.startswith('transformer.')}


@pytest.mark.slow
def test_full_size_irra(tmp_path):
    """The very config and default options, as a user types them."""
    sizes = dict(vision=768, text=512, embed=512, vocab=49408, context=77, classes=11003, cmt_depth=4)
    state = in_half(irra_state(positions=193, depth=12, text_depth=12, scale=0.02, **sizes))
    file, out = save(tmp_path, dict(model=state)), tmp_path / 'x.pth'
    convert_command(IRRA, 'words', [str(file), str(out)])
    cfg = Config.fromfile(ROOT / 'configs/irra/vitb16_cuhk_irra.py')
    cfg.merge_from_dict(documented('model.heads.irr.all_places'))
    model = get_model(cfg)
    assert model.heads['irr'].all_places and model.text_encoder.keep_start and model.data_preprocessor.pad_to == 77
    model.load_state_dict(torch.load(out, weights_only=True)['state_dict'])
    (ids, mask), images = captions(77, end=49407), pictures((384, 128))[:2].float()
    single = {key: value.float() for key, value in state.items()}
    with torch.no_grad():
        img, txt = irra_embeddings(single, images.repeat(2, 1, 1, 1)[:3], ids, (12, 8))
        torch.testing.assert_close(model.image_features(images)[1], img[:2], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model.text_features(ids, mask)[1], txt, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_full_size_unipt(tmp_path):
    sizes = dict(vision=768, hidden=768, inner=3072, vocab=30522, longest=512, common=768)
    state = unipt_state(grid=24, depth=12, layers=12, scale=0.02, **sizes)
    file, out = save(tmp_path, dict(state_dict=state), 'last.ckpt'), tmp_path / 'x.pth'
    convert_command(UNIPT, 'words', [str(file), str(out)])
    model = get_model('unipt/vitb16_lupt_release')
    model.load_state_dict(torch.load(out, weights_only=True)['state_dict'])
    (ids, mask), images = captions(100, end=102), pictures((384, 128))[:2].float()
    with torch.no_grad():
        found, expected = model.image_features(images)[1], unipt_image(state, images, 12)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        found, expected = model.text_features(ids, mask)[1], unipt_text(state, ids, mask, 12)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    cfg = Config.fromfile(ROOT / 'configs/unipt/vitb16_cuhk.py')
    cfg.merge_from_dict(documented('load_from=checkpoints/unipt_lupt.pth'))
    difference = compare(get_model(cfg), torch.load(out, weights_only=True)['state_dict'])
    assert cfg.load_from == 'checkpoints/unipt_lupt.pth' and not difference.without(('heads',))
