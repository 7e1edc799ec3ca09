# UniPT's pre-training heads (eq. 3), from generic weights.
_base_ = './deits_bert.py'

model = dict(
    image_encoder=dict(init_cfg=_base_.image_weights),
    text_encoder=dict(init_cfg=_base_.text_weights),
    heads=dict(
        contrastive=dict(type='ContrastiveHead', loss=dict(type='ContrastiveLoss', logit_scale=1.0)),
        mlm=dict(type='MLMHead', loss_weight=1.0, init_cfg=_base_.text_weights)))
