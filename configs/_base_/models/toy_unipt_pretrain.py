# The scale is learned: fixed at the paper's 1, so few steps as the toy world allows leave the encoders far behind.
_base_ = './toy.py'

model = dict(
    heads=dict(
        contrastive=dict(
            type='ContrastiveHead', loss=dict(type='ContrastiveLoss', logit_scale=14.3, learn_scale=True)),
        mlm=dict(type='MLMHead', config=_base_.bert)))
