"""Heads that read the masked caption in training, as in IRRA's released code."""

from dataclasses import replace

import pytest
import torch
from model_builders import HEADS, build_dual_encoder, make_batch

SDM = dict(type='mmt2ireid.SimilarityDistributionHead')
TAL = dict(type='mmt2ireid.TripletAlignmentHead')
IRR = dict(type='mmt2ireid.ImplicitReasoningHead', vocab_size=60, dim=16, txt_channels=32, num_layers=1, num_heads=2)
IRRA = dict(sdm=SDM, irr=IRR, identity=HEADS['identity'])


def batch_of(model, **settings):
    return model.data_preprocessor(make_batch(4, **settings), True)


@pytest.mark.parametrize('heads', [IRRA, dict(tal=TAL), {'sdm': SDM, 'mlm': HEADS['mlm']}])
def test_losses_are_those_of_masked_captions_by_one_pass(heads):
    masked, plain = (build_dual_encoder(heads, read_masked_text=switch).eval() for switch in (True, False))
    batch = batch_of(masked)
    seen = []
    masked.text_encoder.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    losses = masked(**batch, mode='loss')
    assert len(seen) == 1 and torch.equal(seen[0], batch['inputs'].targets.masked.token_ids)
    exchanged = replace(batch['inputs'], token_ids=batch['inputs'].targets.masked.token_ids)
    expected = plain(exchanged, batch['data_samples'], mode='loss')
    usual = plain(**batch, mode='loss')
    assert losses.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(losses[key], value)
    assert any(not torch.allclose(losses[key], usual[key]) for key in losses)
    sum(losses.values()).backward()
    assert all(parameter.grad is not None for parameter in masked.text_encoder.parameters())


def test_only_training_reads_masked_captions():
    masked, plain = (build_dual_encoder(IRRA, read_masked_text=switch).eval() for switch in (True, False))
    batch = batch_of(masked)
    texts = [model(**batch, mode='predict')[0].txt_feats.clone() for model in (masked, plain)]
    assert torch.equal(*texts)
    assert torch.equal(*(model(**batch).txt_embed for model in (masked, plain)))


def test_the_pipeline_must_mask():
    model = build_dual_encoder(dict(tal=TAL), read_masked_text=True)
    with pytest.raises(ValueError, match=r'read_masked_text needs masked captions: .* must have MaskTokens'):
        model(**batch_of(model, masked=False), mode='loss')
