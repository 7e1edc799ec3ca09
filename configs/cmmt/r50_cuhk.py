# CMMT on CUHK-PEDES, the paper's run (Tables 1 to 5): 34,054 pictures, 68,126 captions, no identities.
_base_ = [
    '../_base_/models/r50_cmmt.py',
    '../_base_/datasets/cuhk_weak_words.py',
    '../_base_/schedules/cmmt.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(heads=dict(memory=dict(num_images=34054, num_captions=68126)))
custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, _base_.clustering]
