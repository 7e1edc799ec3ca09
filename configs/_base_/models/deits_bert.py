# DeiT-Small and BERT-base with a 1x1 convolution and max-pooling each, 384x128 pictures. Random weights; a leaf that
# starts from generic ones takes `image_weights` and `text_weights`.
image_weights = dict(
    type='Pretrained',  # mmpretrain: deit-small_4xb256_in1k, ImageNet-1k
    checkpoint='https://download.openmmlab.com/mmclassification/v0/deit/deit-small_pt-4xb256_in1k_20220218-9425b9bb.pth',
    prefix='backbone.')
text_weights = dict(type='mmt2ireid.HFPretrained', checkpoint='bert-base-uncased')

model = dict(
    type='DualEncoder',
    data_preprocessor=dict(type='PairDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, to_rgb=True),
    image_encoder=dict(
        type='mmpretrain.VisionTransformer', arch='deit-small', img_size=(384, 128), patch_size=16, out_type='raw'),
    text_encoder=dict(type='BertTextEncoder'),
    img_neck=dict(type='ConvMaxPoolNeck', in_channels=384, out_channels=512),
    txt_neck=dict(type='ConvMaxPoolNeck', in_channels=768, out_channels=512),
    heads=dict())
