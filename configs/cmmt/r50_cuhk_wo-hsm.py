# Table 2, "+ Text-IoU CPM", and Table 5, "w/o Text-IoU HSM"; alpha = 0 in Figure 6.
_base_ = './r50_cuhk.py'

model = dict(heads=dict(hsm=None))
