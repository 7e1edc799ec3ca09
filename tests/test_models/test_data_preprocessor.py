import numpy as np
import pytest
import torch
from model_builders import make_batch

from mmt2ireid.models import PairDataPreprocessor

MEAN, STD = (123.0, 117.5, 104.25), (58.0, 57.0, 57.5)


def run(data, **arguments):
    return PairDataPreprocessor(**arguments)(data)['inputs']


class TestImages:
    @pytest.mark.parametrize('to_rgb', [True, False])
    def test_normalisation(self, to_rgb):
        data = make_batch(3)
        images = run(data, mean=MEAN, std=STD, to_rgb=to_rgb).images
        for image, got in zip(data['inputs'], images, strict=True):
            pixels = image.numpy().astype(np.float64)
            pixels = pixels[::-1] if to_rgb else pixels
            expected = (pixels - np.array(MEAN)[:, None, None]) / np.array(STD)[:, None, None]
            np.testing.assert_allclose(got.numpy(), expected, atol=1e-5)
        assert images.dtype == torch.float32

    def test_default_maps_pixels_to_minus_one_to_one(self):
        data = make_batch(2)
        data['inputs'] = [torch.zeros(3, 4, 2, dtype=torch.uint8), torch.full((3, 4, 2), 255, dtype=torch.uint8)]
        images = run(data).images
        assert images[0].unique().tolist() == [-1.0]
        assert images[1].unique().tolist() == [1.0]

    def test_input_is_left_alone(self):
        data = make_batch(2)
        before = [image.clone() for image in data['inputs']]
        run(data)
        assert all(map(torch.equal, data['inputs'], before))
        assert data['inputs'][0].dtype == torch.uint8

    def test_sizes_must_agree(self):
        data = make_batch(2)
        data['inputs'][1] = data['inputs'][1][:, :-1]
        with pytest.raises(ValueError, match=r'\(3, 32, 16\) for person_0.png and \(3, 31, 16\) for person_1.png'):
            run(data)

    def test_every_image_needs_a_sample(self):
        data = make_batch(3)
        data['data_samples'] = data['data_samples'][:2]
        with pytest.raises(ValueError):
            run(data)

    @pytest.mark.parametrize('arguments', [dict(mean=(0.0, 0.0)), dict(std=(1.0, 1.0)), dict(std=(1.0, 0.0, 1.0))])
    def test_bad_statistics(self, arguments):
        with pytest.raises(ValueError, match='mean and std must be three numbers each'):
            PairDataPreprocessor(**arguments)


class TestTokens:
    @pytest.mark.parametrize(('pad_to', 'pad_id'), [(None, 0), (20, 0), (None, 9)])
    def test_padding(self, pad_to, pad_id):
        data = make_batch(5)
        captions = [sample.token_ids[0].tolist() for sample in data['data_samples']]
        lengths = [len(caption) for caption in captions]
        assert len(set(lengths)) > 1
        inputs = run(data, pad_to=pad_to, pad_id=pad_id)
        width = pad_to or max(lengths)
        assert inputs.token_ids.tolist() == [caption + [pad_id] * (width - len(caption)) for caption in captions]
        assert inputs.txt_mask.tolist() == [[True] * n + [False] * (width - n) for n in lengths]
        assert inputs.token_ids.dtype == torch.int64 and inputs.txt_mask.dtype == torch.bool

    def test_captions_of_an_image_stand_together(self):
        data = make_batch(2, captions=3, masked=False)
        data['data_samples'][1].token_ids = data['data_samples'][1].token_ids[:1]
        inputs = run(data)
        assert inputs.num_captions == (3, 1)
        expected = [ids.tolist() for sample in data['data_samples'] for ids in sample.token_ids]
        assert [row[mask].tolist() for row, mask in zip(inputs.token_ids, inputs.txt_mask, strict=True)] == expected

    def test_pad_to_must_hold_the_longest(self):
        data = make_batch(4)
        longest = max(len(sample.token_ids[0]) for sample in data['data_samples'])
        run(data, pad_to=longest)
        with pytest.raises(ValueError, match=f'pad_to must be at least .*{longest} tokens, but got {longest - 1}'):
            run(data, pad_to=longest - 1)

    def test_id_beyond_the_vocabulary(self):
        data = make_batch(4)
        highest = max(int(sample.token_ids[0].max()) for sample in data['data_samples'])
        preprocessor = PairDataPreprocessor()
        preprocessor.vocab_size = highest + 1
        preprocessor(data)
        preprocessor.vocab_size = highest
        with pytest.raises(ValueError, match=f'vocab_size={highest}, but got {highest}'):
            preprocessor(data)

    def test_mask_id_beyond_the_vocabulary(self):
        data = make_batch(2)
        data['data_samples'][1].masked_token_ids[1] = 60
        preprocessor = PairDataPreprocessor()
        preprocessor.vocab_size = 60
        with pytest.raises(ValueError, match='vocab_size=60, but got 60'):
            preprocessor(data)

    def test_caption_longer_than_the_text_encoder_reads(self):
        data = make_batch(4)
        preprocessor = PairDataPreprocessor()
        preprocessor.max_length = max(len(sample.token_ids[0]) for sample in data['data_samples'])
        preprocessor(data)
        preprocessor.max_length -= 1
        with pytest.raises(ValueError, match=f'at most max_length={preprocessor.max_length} tokens'):
            preprocessor(data)

    def test_empty_caption_is_named(self):
        data = make_batch(2, captions=2)
        data['data_samples'][1].token_ids = [torch.tensor([1, 2]), torch.empty(0, dtype=torch.int64)]
        with pytest.raises(ValueError, match=r'person_1\.png: every caption must have .* but got \[2, 0\]'):
            run(data)

    def test_sample_without_tokens_is_named(self):
        data = make_batch(2)
        del data['data_samples'][1].token_ids
        with pytest.raises(ValueError, match=r'person_1\.png: token_ids must hold the captions'):
            run(data)


class TestTargets:
    def test_numbers(self):
        data = make_batch(4)
        targets = run(data).targets
        for name, got in (('pid', targets.pids), ('image_id', targets.image_ids), ('sample_idx', targets.sample_idx)):
            assert got.tolist() == [sample.get(name) for sample in data['data_samples']]
            assert got.dtype == torch.int64

    def test_what_is_unknown_is_minus_one(self):
        data = make_batch(2)
        del data['data_samples'][0].pid
        pids = run(data).targets.pids.tolist()
        assert pids == [-1, data['data_samples'][1].pid]

    @pytest.mark.parametrize('pad_to', [None, 20])
    def test_masked_tokens(self, pad_to):
        data = make_batch(5, seed=2)
        inputs = run(data, pad_to=pad_to)
        masked = inputs.targets.masked
        width = inputs.token_ids.shape[1]
        expected_positions, expected_targets = [], []
        for row, sample in enumerate(data['data_samples']):
            length = len(sample.token_ids[0])
            assert masked.token_ids[row, :length].tolist() == sample.masked_token_ids.tolist()
            assert masked.token_ids[row, length:].tolist() == [0] * (width - length)
            for position in sample.mask_positions.tolist():
                expected_positions.append(row * width + position)
                expected_targets.append(sample.token_ids[0][position].item())
        assert masked.positions.tolist() == expected_positions
        assert masked.targets.tolist() == expected_targets
        assert (masked.token_ids.flatten()[masked.positions] == 3).all()

    def test_nothing_masked_in_a_batch(self):
        data = make_batch(2)
        for sample in data['data_samples']:
            sample.masked_token_ids = sample.token_ids[0].clone()
            sample.mask_positions = torch.empty(0, dtype=torch.int64)
        masked = run(data).targets.masked
        assert masked.positions.shape == masked.targets.shape == (0,)
        assert masked.positions.dtype == torch.int64

    def test_without_masks(self):
        assert run(make_batch(2, masked=False)).targets.masked is None
        assert run(make_batch(2, captions=2)).targets.masked is None


def test_samples_are_handed_on():
    data = make_batch(2)
    assert PairDataPreprocessor()(data)['data_samples'] == data['data_samples']


def test_statistics_are_not_in_the_checkpoint():
    assert not PairDataPreprocessor().state_dict()


@pytest.mark.parametrize('data', [{}, dict(inputs=[]), dict(img=[], img_path=[])])
def test_items_that_were_not_packed(data):
    with pytest.raises(ValueError, match='data_samples are missing: the pipeline must end with PackPersonInputs'):
        PairDataPreprocessor()(data)
