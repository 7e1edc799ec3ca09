# CMMT on RSTPReid: 18,505 pictures with two captions each, no identities. Not in the paper.
_base_ = [
    '../_base_/models/r50_cmmt.py',
    '../_base_/datasets/rstp_weak_words.py',
    '../_base_/schedules/cmmt.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(heads=dict(memory=dict(num_images=18505, num_captions=37010)))
custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, _base_.clustering]
