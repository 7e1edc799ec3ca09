# Table 5, "w/o Text-IoU IHSM": hard samples across the modalities only.
_base_ = './r50_cuhk.py'

model = dict(heads=dict(hsm=dict(intra_modal=False)))
