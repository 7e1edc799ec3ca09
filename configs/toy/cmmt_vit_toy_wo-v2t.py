# Twin of configs/cmmt/r50_cuhk_wo-v2t.py (Table 3): refines pictures, by the captions' clusters, only.
_base_ = './cmmt_vit_toy.py'

custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, dict(_base_.clustering, refine=('t2v',))]
