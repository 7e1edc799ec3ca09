# UniPT, section 5.2: AdamW 1e-5, batch 512 = 8 x 64, 15 epochs, warm-up over 10 % of all steps, then linear to 0.
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='GroupedOptimWrapperConstructor',
    optimizer=dict(type='AdamW', lr=1e-5, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.01),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={
            'pos_embed': dict(decay_mult=0.0),
            'position_embeddings': dict(decay_mult=0.0),
            'cls_token': dict(decay_mult=0.0),
            'log_scale': dict(decay_mult=0.0),
        }))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, begin=0, end=1.5, convert_to_iter_based=True),
    dict(type='PolyLR', eta_min=0.0, power=1.0, begin=1.5, convert_to_iter_based=True),
]
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=15)
val_cfg = None
test_cfg = None
auto_scale_lr = dict(base_batch_size=512, enable=False)
