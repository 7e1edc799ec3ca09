# Twin of configs/cmmt/r50_cuhk_wo-chsm.py (Table 5): hard samples within each modality only.
_base_ = './cmmt_vit_toy.py'

model = dict(heads=dict(hsm=dict(cross_modal=False)))
