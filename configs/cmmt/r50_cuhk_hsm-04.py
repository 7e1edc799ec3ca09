# Figure 6: weight alpha of the Text-IoU HSM loss 0.4 in place of 0.9.
_base_ = './r50_cuhk.py'

model = dict(heads=dict(hsm=dict(loss_weight=0.4)))
