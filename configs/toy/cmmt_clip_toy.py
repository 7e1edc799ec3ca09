# Twin of configs/cmmt/clip-vitb16_cuhk.py: CMMT, no identities, on the toy CLIP of data/toy_clip.
_base_ = [
    '../_base_/models/toy_clip_cmmt.py',
    '../_base_/datasets/toy_weak_clip.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/cmmt_runtime.py',
]

noun_phrases = dict(type='NounPhraseHook', tagger='embedded', max_share=0.02)
custom_hooks = [*_base_.common_hooks, noun_phrases, _base_.clustering]
