# Twin of configs/cmmt/r50_cuhk_wo-t2v.py (Table 3): refines captions, by the pictures' clusters, only.
_base_ = './cmmt_vit_toy.py'

custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, dict(_base_.clustering, refine=('v2t',))]
