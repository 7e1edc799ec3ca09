# Twin of configs/cmmt/r50_cuhk_wo-mplr.py (Table 3, last row): clusters as they are.
_base_ = './cmmt_vit_toy.py'

custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, dict(_base_.clustering, refine=())]
