# Twin of the data-scale rows (Figure 6): half of the pool, the same number of steps.
_base_ = './unipt_vit_pool.py'

train_dataloader = dict(dataset=dict(max_images=2000))
train_cfg = dict(max_epochs=24, val_interval=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=0.0, begin=2, convert_to_iter_based=True),
]
