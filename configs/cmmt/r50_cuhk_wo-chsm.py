# Table 5, "w/o Text-IoU CHSM": hard samples within each modality only.
_base_ = './r50_cuhk.py'

model = dict(heads=dict(hsm=dict(cross_modal=False)))
