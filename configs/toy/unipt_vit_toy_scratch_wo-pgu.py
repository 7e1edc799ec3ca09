# Twin of Table 6, upper block: from scratch and without the granularity-unified loss.
_base_ = './unipt_vit_toy_scratch.py'

model = dict(heads=dict(pgu=None))
