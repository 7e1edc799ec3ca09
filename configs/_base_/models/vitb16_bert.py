# ViT-B/16 in place of DeiT-Small.
_base_ = './deits_bert.py'

image_weights = dict(
    _delete_=True,
    type='Pretrained',  # mmpretrain: vit-base-p16_in21k-pre-3rdparty_ft-64xb64_in1k-384, ImageNet
    checkpoint='https://download.openmmlab.com/mmclassification/v0/vit/finetune/'
    'vit-base-p16_in21k-pre-3rdparty_ft-64xb64_in1k-384_20210928-98e8652b.pth',
    prefix='backbone.')

model = dict(image_encoder=dict(arch='base'), img_neck=dict(in_channels=768))
