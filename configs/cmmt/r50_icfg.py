# CMMT on ICFG-PEDES: all 34,674 pictures with one caption each, no identities. Not in the paper. The set has no
# validation split, and a memory has a row per picture: nothing is held out, and the model is that of the last epoch
# (README.md says how to select one).
_base_ = [
    '../_base_/models/r50_cmmt.py',
    '../_base_/datasets/icfg_weak_words.py',
    '../_base_/schedules/cmmt.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(heads=dict(memory=dict(num_images=34674, num_captions=34674)))
custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, _base_.clustering]
val_cfg = None
default_hooks = dict(checkpoint=dict(save_best=None))
