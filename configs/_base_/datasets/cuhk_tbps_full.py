# CUHK-PEDES as TBPS-CLIP's three views of a picture: view 0 is augmented as the picture itself, 1 and 2 as SimCLR does.
_base_ = './cuhk_tbps.py'

simclr = [
    dict(type='mmpretrain.RandomResizedCrop', scale=(224, 224), crop_ratio_range=(0.2, 1.0)),
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[  # torchvision's: mmcv's change of hue fails with today's NumPy
            dict(type='mmpretrain.NumpyToPIL', to_rgb=True),
            dict(type='mmpretrain.torchvision/ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
            dict(type='mmpretrain.PILToNumpy', to_bgr=True)]),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
    dict(type='mmpretrain.GaussianBlur', magnitude_range=(0.1, 2.0), magnitude_std='inf', prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
again = _base_.train_pipeline[1:4]
train_pipeline = [
    _base_.train_pipeline[0], dict(type='ExtraViews', views=[again, simclr, simclr]), *_base_.train_pipeline[1:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
