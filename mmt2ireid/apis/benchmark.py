"""Where the time of a training step goes, and how far it is from what the device can do."""

from __future__ import annotations

import functools
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from mmt2ireid.models import DualEncoder
from mmt2ireid.structures import EncoderOutput, PairFeatures, PairInputs, PersonSample

PARTS = ('data', 'preprocessing', 'image encoder', 'text encoder', 'heads', 'optimiser')


@dataclass
class TrainingBenchmark:
    """Figures of a training benchmark.

    Attributes:
        device: name of the device.
        batch_size: pairs in a step.
        pairs_per_second: of whole steps, data loading included.
        seconds: per step and part, measured one part at a time (a device waits after each, so their sum is a little
            more than a step); 'image encoder' and 'text encoder' include their necks and their backward passes.
        peak_memory: bytes; on a GPU allocated by torch there, else resident set of the process.
        flops: floating-point operations of a step in matrix products, convolutions and attention, forward and backward.
        matmul_flops: measured rate of a large matrix product in the precision of the step, per second.
    """

    device: str
    batch_size: int
    pairs_per_second: float
    seconds: dict[str, float] = field(default_factory=dict)
    peak_memory: int = 0
    flops: float = 0.0
    matmul_flops: float = 0.0

    @property
    def achieved_flops(self) -> float:
        """Floating-point operations per second over whole steps."""
        return self.flops * self.pairs_per_second / self.batch_size

    def table(self) -> str:
        """The figures as Markdown."""
        total = sum(self.seconds.values())
        rows = [
            ('device', self.device),
            ('batch', f'{self.batch_size} pairs'),
            ('throughput', f'{self.pairs_per_second:.1f} pairs/s'),
        ]
        rows += [
            (f'share of {part}', f'{100 * seconds / total:.1f} % ({1000 * seconds:.1f} ms)')
            for part, seconds in self.seconds.items()
        ]
        rows += [
            ('peak memory', f'{self.peak_memory / 2**20:.0f} MiB'),
            ('achieved', f'{self.achieved_flops / 1e12:.3f} TFLOP/s'),
            ('matrix product peak, measured', f'{self.matmul_flops / 1e12:.3f} TFLOP/s'),
            ('achieved / peak', f'{100 * self.achieved_flops / self.matmul_flops:.1f} %'),
        ]
        return '\n'.join(['| figure | value |', '| --- | --- |', *(f'| {name} | {value} |' for name, value in rows)])


def benchmark_training(
    model: DualEncoder,
    optim_wrapper: OptimWrapper,
    batches: Iterable[dict],
    *,
    steps: int = 20,
    warmup: int = 5,
    progress: Callable[[Iterable], Iterable] = iter,
) -> TrainingBenchmark:
    """Measures training steps of a model.

    Args:
        model: on its device.
        optim_wrapper: its optimiser, whose autocast (if any) is used.
        batches: collated batches, as a dataloader gives them; gone through again when exhausted.
        steps: steps that are measured, whole and in parts each.
        warmup: steps before.
        progress: wraps the iteration, e.g. a progress bar.

    Returns:
        The figures.

    Raises:
        ValueError: if ``steps`` or ``warmup`` is out of range, or there is no batch.
    """
    if steps < 1 or warmup < 0:
        raise ValueError(f'steps must be positive and warmup not negative, but got {steps} and {warmup}')
    model.train()
    device = next(model.parameters()).device
    source = _endless(batches)
    for _ in range(warmup):
        model.train_step(next(source), optim_wrapper)
    _synchronise(device)
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
    pairs, start = 0, time.perf_counter()
    for _ in progress(range(steps)):
        batch = next(source)
        model.train_step(batch, optim_wrapper)
        pairs += len(batch['inputs'])
    _synchronise(device)
    rate = pairs / (time.perf_counter() - start)
    peak = (
        torch.cuda.max_memory_allocated(device)
        if device.type == 'cuda'
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )

    clock = _Clock(device)
    for _ in progress(range(steps)):
        _step_in_parts(model, optim_wrapper, source, clock)
    batch = next(source)
    with FlopCounterMode(display=False) as counter:
        model.train_step(batch, optim_wrapper)
    return TrainingBenchmark(
        device=_device_name(device),
        batch_size=len(batch['inputs']),
        pairs_per_second=rate,
        seconds={part: clock.seconds[part] / steps for part in PARTS},
        peak_memory=peak,
        flops=counter.get_total_flops(),
        matmul_flops=matmul_rate(device, _compute_dtype(model, optim_wrapper)),
    )


def synthetic_batches(
    *,
    batch_size: int,
    image_size: tuple[int, int],
    num_tokens: int,
    vocab_size: int,
    num_classes: int,
    mask_ratio: float = 0.15,
    seed: int = 0,
) -> list[dict]:
    """Batches of noise, for measuring a model whose data is not at hand.

    Args:
        batch_size: B.
        image_size: height and width.
        num_tokens: tokens of each caption.
        vocab_size: ids are drawn below it.
        num_classes: identities are drawn below it.
        mask_ratio: share of masked tokens.
        seed: of the noise.

    Returns:
        Four batches.
    """
    rng = torch.Generator().manual_seed(seed)

    def sample(index: int) -> PersonSample:
        ids = torch.randint(5, vocab_size, (num_tokens,), generator=rng)
        count = max(1, round(mask_ratio * num_tokens))
        return PersonSample(
            pid=int(torch.randint(num_classes, (1,), generator=rng)),
            image_id=index,
            sample_idx=index,
            img_path=f'noise {index}',
            token_ids=[ids],
            masked_token_ids=ids.clone(),
            mask_positions=torch.randperm(num_tokens, generator=rng)[:count],
        )

    def batch() -> dict:
        images = torch.randint(0, 256, (batch_size, 3, *image_size), dtype=torch.uint8, generator=rng)
        return dict(inputs=list(images), data_samples=[sample(index) for index in range(batch_size)])

    return [batch() for _ in range(4)]


def matmul_rate(device: torch.device, dtype: torch.dtype, size: int | None = None, repeats: int = 10) -> float:
    """Floating-point operations per second of a square matrix product, the best of several."""
    size = size or (8192 if device.type == 'cuda' else 2048)
    a, b = torch.randn((2, size, size), device=device, dtype=torch.float32).to(dtype)
    best = float('inf')
    for _ in range(repeats):
        _synchronise(device)
        start = time.perf_counter()
        a @ b
        _synchronise(device)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


class _Clock:
    """Adds up the time of parts; waits for the device at each boundary."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.seconds = device, defaultdict[str, float](float)

    def measure(self, part: str, work: Callable[[], Any]) -> Any:
        _synchronise(self.device)
        start = time.perf_counter()
        result = work()
        _synchronise(self.device)
        self.seconds[part] += time.perf_counter() - start
        return result


def _step_in_parts(model: DualEncoder, optim_wrapper: OptimWrapper, source: Iterator[dict], clock: _Clock) -> None:
    """One training step with the graph cut between encoders and heads, so that backward passes can be told apart."""
    data = clock.measure('data', lambda: next(source))
    inputs: PairInputs = clock.measure('preprocessing', lambda: model.data_preprocessor(data, True))['inputs']
    with optim_wrapper.optim_context(model):
        image = clock.measure('image encoder', lambda: _flat(model.image_features(inputs.images)))
        text = clock.measure('text encoder', lambda: _encode_text(model, inputs))
        cut = [[None if x is None else x.detach().requires_grad_() for x in part] for part in (image, text)]
        losses = clock.measure('heads', lambda: _head_losses(model, inputs, *cut))
    clock.measure('heads', lambda: optim_wrapper.scale_loss(sum(losses.values())).backward())
    for name, outputs, leaves in (('image encoder', image, cut[0]), ('text encoder', text, cut[1])):
        clock.measure(name, functools.partial(_backward_from_cut, outputs, leaves))
    clock.measure('optimiser', lambda: (optim_wrapper.step(), optim_wrapper.zero_grad()))


def _backward_from_cut(outputs: list[Any], leaves: list[Any]) -> None:
    reached = [(out, leaf.grad) for out, leaf in zip(outputs, leaves, strict=True) if leaf is not None]
    reached = [(out, grad) for out, grad in reached if grad is not None]
    torch.autograd.backward([out for out, _ in reached], [grad for _, grad in reached])


def _flat(features: tuple[EncoderOutput, Tensor]) -> list[Tensor | None]:
    return [features[0].tokens, features[1]]


def _encode_text(model: DualEncoder, inputs: PairInputs) -> list[Tensor | None]:
    features = _flat(model.text_features(inputs.token_ids, inputs.txt_mask))
    return [*features, model.masked_tokens(inputs)]


def _head_losses(model: DualEncoder, inputs: PairInputs, image: list[Any], text: list[Any]) -> dict[str, Tensor]:
    mask = inputs.txt_mask[:, -text[0].shape[1] :]  # the neck may have dropped leading tokens
    features = PairFeatures(image[0], text[0], mask, image[1], text[1])
    return model.head_losses(replace(features, masked_tokens=text[2]), inputs.targets)


def _compute_dtype(model: DualEncoder, optim_wrapper: OptimWrapper) -> torch.dtype:
    device = next(model.parameters()).device.type
    with optim_wrapper.optim_context(model):
        return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == 'cuda' else f'CPU, {torch.get_num_threads()} threads'


def _endless(batches: Iterable[dict]) -> Iterator[dict]:
    while True:
        batch = None
        for batch in batches:
            yield batch
        if batch is None:
            raise ValueError('batches must hold at least one batch, but got none')


def _synchronise(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
