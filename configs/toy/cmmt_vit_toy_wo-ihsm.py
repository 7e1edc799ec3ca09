# Twin of configs/cmmt/r50_cuhk_wo-ihsm.py (Table 5): hard samples across the modalities only.
_base_ = './cmmt_vit_toy.py'

model = dict(heads=dict(hsm=dict(intra_modal=False)))
