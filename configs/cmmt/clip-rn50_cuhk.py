# CMMT on CLIP's ResNet-50 and its text tower, CUHK-PEDES. Not in the paper.
# The rate is ours, the one at which the field fine-tunes CLIP; epochs, steps and batch are CMMT's.
_base_ = [
    '../_base_/models/clip_rn50_cmmt.py',
    '../_base_/datasets/cuhk_weak_clip.py',
    '../_base_/schedules/cmmt.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(heads=dict(memory=dict(num_images=34054, num_captions=68126)))
optim_wrapper = dict(optimizer=dict(lr=1e-5))
custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, _base_.clustering]
