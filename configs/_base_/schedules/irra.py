# The rates of IRRA's heads as in its code: five times the encoders', but for the cross-modal encoder's own norms and, at
# twice the rate as all biases, its biases.
_base_ = './clip_finetune.py'

optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'heads.identity': dict(lr_mult=5.0),
            'heads.irr.transform': dict(lr_mult=5.0),
            'heads.irr.decoder': dict(lr_mult=5.0),
            'heads.irr.interaction.cross_attention*weight': dict(lr_mult=5.0),
            'heads.irr.interaction.layers*weight': dict(lr_mult=5.0),
            'heads.irr.interaction*bias': dict(lr_mult=2.0),
        }))
