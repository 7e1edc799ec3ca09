# UniPT, section 5.2, with LGUR's steps: Adam, batch 64 on one GPU, 60 epochs, x0.1 at 20, 40 and 50.
# Necks, classifiers and PGU's part maps (as in LGUR's code) 1e-3, image encoder and the rest of PGU 1e-4, text encoder
# 1e-5.
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='Adam', lr=1e-3),
    paramwise_cfg=dict(
        custom_keys={
            'image_encoder': dict(lr_mult=0.1),
            'text_encoder': dict(lr_mult=0.01),
            'heads.pgu.prototypes': dict(lr_mult=0.1),
            'heads.pgu.decoder': dict(lr_mult=0.1),
        }))
param_scheduler = dict(type='MultiStepLR', milestones=[20, 40, 50], gamma=0.1, by_epoch=True)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=60, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=64, enable=False)
