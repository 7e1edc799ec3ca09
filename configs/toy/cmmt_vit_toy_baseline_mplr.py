# Twin of configs/cmmt/r50_cuhk_baseline_mplr.py (Table 2, second row): refined clusters, a caption's own picture only.
_base_ = './cmmt_vit_toy.py'

model = dict(heads=dict(cpm=dict(soft_labels='identity'), hsm=None))
custom_hooks = [*_base_.common_hooks, _base_.clustering]
