# Ten epochs of AdamW with cosine. From pre-trained encoders a smaller rate keeps what they know: the leaf sets it.
_base_ = './toy_pretrain.py'

max_epochs = 10
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', eta_min=0.0, begin=1, end=max_epochs, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs, val_interval=2)
