import dataclasses

import pytest
import torch

from mmt2ireid.structures import EncoderOutput, MaskedText, PairFeatures, PairInputs, PairTargets, PersonSample


@pytest.mark.parametrize('structure', [EncoderOutput, MaskedText, PairFeatures, PairInputs, PairTargets])
def test_structures_are_frozen(structure):
    required = [field for field in dataclasses.fields(structure) if field.default is dataclasses.MISSING]
    value = structure(*[torch.zeros(1)] * len(required))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, required[0].name, torch.ones(1))


def test_defaults():
    output = EncoderOutput(torch.zeros(1, 2, 3))
    assert output.mask is None and output.num_extra_tokens == 0
    assert PairTargets(*[torch.zeros(1)] * 3).masked is None
    assert PairFeatures(*[torch.zeros(1)] * 5).masked_tokens is None


def test_sample_keeps_what_it_is_given():
    sample = PersonSample(
        pid=3,
        image_id=0,
        sample_idx=7,
        captions=['a man', 'a person in red'],
        token_ids=[torch.tensor([1, 2]), torch.tensor([1, 5, 2])],
        img_path='cam_1/3.png',
    )
    assert (sample.pid, sample.image_id, sample.sample_idx) == (3, 0, 7)
    assert [len(ids) for ids in sample.token_ids] == [2, 3]
    assert 'img_feat' not in sample
    sample.img_feat = torch.ones(4)
    assert 'img_feat' in sample
    assert sample.get('masked_token_ids') is None


def test_samples_are_compared_by_what_travels_with_them():
    sample = PersonSample(pid=3, token_ids=[torch.tensor([1, 2])])
    copy = sample.new()
    copy.pid = 4
    assert sample.pid == 3
    assert copy.token_ids[0].tolist() == [1, 2]
