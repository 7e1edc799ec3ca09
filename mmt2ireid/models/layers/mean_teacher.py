"""Teachers that are moving averages of the networks in training."""

from __future__ import annotations

import copy

import torch
from mmengine.dist import broadcast, get_world_size
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


def teacher_of(student: nn.Module) -> nn.Module:
    """A copy that no optimiser finds: its weights are buffers, in evaluation mode.

    Args:
        student: any module.

    Returns:
        The copy, with the keys of the student. Weights that the student shares between modules are apart.
    """
    teacher = copy.deepcopy(student)
    for module in teacher.modules():
        for name, weight in list(module._parameters.items()):
            delattr(module, name)
            module.register_buffer(name, None)
            # Not at once: recurrent layers note their weights when they are set.
            setattr(module, name, None if weight is None else weight.detach().clone())
    return teacher.eval()


@torch.no_grad()
def average_into(teacher: nn.Module, student: nn.Module, decay: float) -> None:
    """``teacher <- decay teacher + (1 - decay) student``: weights, and statistics of batch normalisation likewise.

    Integers (numbers of batches) are copied. Statistics differ between ranks; a teacher has those of the main process,
    so that it is the same on all ranks and the one in the checkpoint.

    Args:
        teacher: from :func:`teacher_of`.
        student: what it was made of.
        decay: from 0 (a copy) to 1.
    """
    old, new = teacher.state_dict(keep_vars=True), student.state_dict()
    # By identity: a module at two places has two keys, but is averaged once.
    averaged = list({id(value): key for key, value in old.items() if value.is_floating_point()}.values())
    get_ema_multi_avg_fn(decay)([old[key] for key in averaged], [new[key] for key in averaged], 0)
    for key, value in old.items():
        if not value.is_floating_point():
            value.copy_(new[key])
    statistics = {key for key, _ in student.named_buffers(remove_duplicate=False)}
    _take_from_main_process([old[key] for key in averaged if key in statistics])


def _take_from_main_process(tensors: list[Tensor]) -> None:
    if not tensors or get_world_size() == 1:
        return
    joint = torch.cat([tensor.flatten() for tensor in tensors])  # one message, not hundreds
    broadcast(joint)
    for tensor, part in zip(tensors, joint.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))
