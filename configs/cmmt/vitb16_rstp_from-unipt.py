# CMMT on UniPT's pre-trained ViT-B/16 + BERT, RSTPReid.
# Rates and epochs of UniPT's fine-tuning, CMMT's batch of 128 (auto_scale_lr is off).
_base_ = [
    '../_base_/models/vitb16_cmmt.py',
    '../_base_/datasets/rstp_weak.py',
    '../_base_/schedules/unipt_finetune.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(heads=dict(memory=dict(num_images=18505, num_captions=37010)))
custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, _base_.clustering]
load_from = 'work_dirs/vitb16_lupt/epoch_15.pth'
