# Twin of configs/cmmt/r50_cuhk_baseline.py (Table 2, first row): CPM and SpCL.
_base_ = './cmmt_vit_toy_baseline_mplr.py'

custom_hooks = [*_base_.common_hooks, dict(_base_.clustering, refine=())]
