# An example of mixing: mmpretrain's Swin-T in place of the ViT. Only the backbone, its weights and the width of its
# neck change.
_base_ = './vitb16_lupt.py'

model = dict(
    image_encoder=dict(
        _delete_=True,
        type='mmpretrain.SwinTransformer',
        arch='tiny',
        img_size=(384, 128),
        pad_small_map=True,
        init_cfg=dict(
            type='Pretrained',  # mmpretrain: swin-tiny_16xb64_in1k
            checkpoint='https://download.openmmlab.com/mmclassification/v0/swin-transformer/'
            'swin_tiny_224_b16x64_300e_imagenet_20210616_090925-66df6be6.pth',
            prefix='backbone.')),
    img_neck=dict(in_channels=768))
