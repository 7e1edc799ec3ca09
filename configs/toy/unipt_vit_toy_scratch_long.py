# From scratch at matched compute: as many steps as pre-training and fine-tuning have together.
# (12 epochs of 4,000 pairs and 10 of 1,600, 62 and 25 steps an epoch: 994 steps, 40 epochs.)
_base_ = './unipt_vit_toy_scratch.py'

train_cfg = dict(max_epochs=40, val_interval=5)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=0.0, begin=2, convert_to_iter_based=True),
]
