# CMMT, section 4.1: Adam 3.2e-4, x0.1 after 20 of 50 epochs, batch 128. Weight decay is not said: none.
optim_wrapper = dict(
    type='OptimWrapper', constructor='GroupedOptimWrapperConstructor', optimizer=dict(type='Adam', lr=3.2e-4))
param_scheduler = dict(type='MultiStepLR', milestones=[20], gamma=0.1, by_epoch=True)
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
auto_scale_lr = dict(base_batch_size=128, enable=False)
