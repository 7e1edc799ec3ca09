# Table 1, "CMPM + SpCL", and Table 2's baseline: clusters as they are, and a caption's own picture
# is its only positive.
_base_ = './r50_cuhk.py'

model = dict(heads=dict(cpm=dict(soft_labels='identity'), hsm=None))
custom_hooks = [*_base_.common_hooks, dict(_base_.clustering, refine=())]
