# Twin of configs/cmmt/r50_cuhk_wo-hsm.py (Table 2, third row): without hard sample mining.
_base_ = './cmmt_vit_toy.py'

model = dict(heads=dict(hsm=None))
