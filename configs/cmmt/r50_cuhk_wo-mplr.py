# Table 3, "w/o MPLR": clusters as they are.
_base_ = './r50_cuhk.py'

custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, dict(_base_.clustering, refine=())]
