# Figure 6: weight lambda of the Text-IoU CPM loss 0.7 in place of 0.8.
_base_ = './r50_cuhk.py'

model = dict(heads=dict(cpm=dict(loss_weight=0.7)))
