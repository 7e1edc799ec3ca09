# Table 3, "w/o MPLR t->v": refines captions, by the pictures' clusters, only.
_base_ = './r50_cuhk.py'

custom_hooks = [*_base_.common_hooks, _base_.noun_phrases, dict(_base_.clustering, refine=('v2t',))]
