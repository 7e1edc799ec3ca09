# ToyPEDES for the toy CLIP as ./cuhk_tbps_full.py: three views of each picture; words left out of the captions.
_base_ = './toy_clip.py'

simclr = [
    dict(
        type='mmpretrain.RandomResizedCrop', scale=(96, 48), crop_ratio_range=(0.2, 1.0),
        aspect_ratio_range=(0.375, 0.667)),
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[  # torchvision's: mmcv's change of hue fails with today's NumPy
            dict(type='mmpretrain.NumpyToPIL', to_rgb=True),
            dict(type='mmpretrain.torchvision/ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
            dict(type='mmpretrain.PILToNumpy', to_bgr=True)]),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
    dict(type='mmpretrain.GaussianBlur', magnitude_range=(0.1, 1.0), magnitude_std='inf', prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
again = _base_.train_pipeline[1:4]
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='ExtraViews', views=[again, simclr, simclr]),
    *_base_.train_pipeline[1:-2],
    dict(type='DeleteWords', prob=0.05),
    *_base_.train_pipeline[-2:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
