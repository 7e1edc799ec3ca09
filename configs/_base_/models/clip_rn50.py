# OpenAI's CLIP ResNet-50 in place of ViT-B/16: width 1024.
_base_ = './clip_vitb16.py'

model = dict(
    image_encoder=dict(model='RN50-quickgelu'),
    text_encoder=dict(model='RN50-quickgelu'),
    img_neck=dict(out_channels=1024),
    txt_neck=dict(out_channels=1024))
