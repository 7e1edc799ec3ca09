# Ours, not the paper's: a learned scale, started at CLIP's 1 / 0.07.
_base_ = './vitb16_lupt.py'

model = dict(heads=dict(contrastive=dict(loss=dict(logit_scale=14.3, learn_scale=True))))
