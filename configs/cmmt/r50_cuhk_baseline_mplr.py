# Table 2, "+ MPLR": the baseline with refined clusters.
_base_ = './r50_cuhk_baseline.py'

custom_hooks = [*_base_.common_hooks, _base_.clustering]
