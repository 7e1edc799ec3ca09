# IRRA: Adam 1e-5, 60 epochs, five of them to warm up from 1e-6, then cosine. What starts at random has five times that
# rate: irra.py names it. Not in the paper but in its code: Adam's eps, weight decay, biases at twice the rate and without
# decay.
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='Adam', lr=1e-5, eps=1e-3, weight_decay=4e-5),
    paramwise_cfg=dict(
        bias_decay_mult=0.0,
        custom_keys={
            'image_encoder*bias': dict(lr_mult=2.0),
            'text_encoder*bias': dict(lr_mult=2.0),
            'log_scale': dict(decay_mult=0.0),
        }))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=5, by_epoch=True),
    dict(type='CosineAnnealingLR', eta_min=0.0, begin=5, by_epoch=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=60, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=64, enable=False)
