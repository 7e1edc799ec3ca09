# CLIP's ResNet-50 in place of ViT-B/16: width 1024 before the 1x1 convolution.
_base_ = './clip_vitb16_unipt.py'

model = dict(
    image_encoder=dict(model='RN50-quickgelu'),
    text_encoder=dict(model='RN50-quickgelu'),
    img_neck=dict(in_channels=1024),
    txt_neck=dict(in_channels=1024))
