# Twin of configs/cmmt/vitb16_cuhk_from-unipt.py: CMMT, no identities, from the pre-training on pseudo-texts. The toy's
# people wear a handful of garments: phrases as common as "white shoe" would make all of them alike.
_base_ = [
    '../_base_/models/toy_cmmt.py',
    '../_base_/datasets/toy_weak.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/cmmt_runtime.py',
]

noun_phrases = dict(type='NounPhraseHook', tagger='embedded', max_share=0.02)
custom_hooks = [*_base_.common_hooks, noun_phrases, _base_.clustering]
load_from = 'work_dirs/unipt_vit_pseudo/epoch_12.pth'
