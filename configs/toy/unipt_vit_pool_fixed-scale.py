# Twin of configs/unipt/vitb16_lupt.py: the paper's scale, 1 and fixed. It needs many more steps than the toy has.
_base_ = './unipt_vit_pool.py'

model = dict(heads=dict(contrastive=dict(loss=dict(logit_scale=1.0, learn_scale=False))))
