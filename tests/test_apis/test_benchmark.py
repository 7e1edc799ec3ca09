import pytest
import torch
from mmengine.optim import OptimWrapper
from torch.utils.flop_counter import FlopCounterMode

from mmt2ireid.apis import get_model
from mmt2ireid.apis.benchmark import PARTS, benchmark_training, matmul_rate, synthetic_batches


def batches(size=4):
    return synthetic_batches(batch_size=size, image_size=(96, 48), num_tokens=12, vocab_size=1024, num_classes=200)


def optimiser(model):
    return OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0))


@pytest.mark.parametrize('config', ['toy/unipt_vit_pool', 'toy/unipt_vit_toy'])
def test_figures(config):
    model = get_model(config)
    figures = benchmark_training(model, optimiser(model), batches(), steps=2, warmup=1)
    assert set(figures.seconds) == set(PARTS)
    assert all(seconds > 0 for seconds in figures.seconds.values())
    assert figures.batch_size == 4
    assert figures.pairs_per_second > 0
    assert figures.peak_memory > 2**20
    assert 0 < figures.achieved_flops < 1.5 * figures.matmul_flops
    assert 'pairs/s' in figures.table()


def test_parts_give_the_gradients_of_a_whole_step():
    """Cutting the graph between encoders and heads changes nothing but what can be measured."""
    from mmt2ireid.apis import benchmark

    model = get_model('toy/unipt_vit_pool')  # no dropout outside training
    data = batches()[0]
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    sum(losses.values()).backward()
    whole = {name: param.grad.clone() for name, param in model.named_parameters()}
    model.zero_grad()
    wrapper = optimiser(model)
    wrapper.zero_grad = lambda: None
    benchmark._step_in_parts(model, wrapper, iter([data]), benchmark._Clock(torch.device('cpu')))
    for name, param in model.named_parameters():
        torch.testing.assert_close(param.grad, whole[name], rtol=1e-4, atol=1e-6, msg=name)


def test_counts_the_operations_of_a_step():
    """An image encoder alone: 6 operations per weight and token, forward and backward, beside attention."""
    model = get_model('toy/unipt_vit_pool')
    data = batches(2)[0]
    figures = benchmark_training(model, optimiser(model), [data], steps=1, warmup=0)
    model.train()
    with FlopCounterMode(display=False) as counter:
        losses = model(**model.data_preprocessor(data, True), mode='loss')
        sum(losses.values()).backward()
    assert figures.flops == counter.get_total_flops()
    block = 12 * 128 * 128  # weights of a ViT layer of width 128
    tokens = 2 * (1 + 8 * 4)
    assert counter.get_total_flops() > 6 * 4 * block * tokens


def test_matrix_rate_is_that_of_a_product():
    assert 1e8 < matmul_rate(torch.device('cpu'), torch.float32, size=256, repeats=3) < 1e14


def test_bad_arguments():
    model = get_model('toy/unipt_vit_pool')
    with pytest.raises(ValueError, match='steps must be positive'):
        benchmark_training(model, optimiser(model), batches(), steps=0)
    with pytest.raises(ValueError, match='batches must hold at least one batch, but got none'):
        benchmark_training(model, optimiser(model), [], steps=1)
