# Twin of the fine-tuning without the granularity-unified loss (Table 6, lower block).
_base_ = './unipt_vit_toy.py'

model = dict(heads=dict(pgu=None))
