# CMMT's encoders (section 4.1): ResNet-50 from ImageNet with last stride 2, Bi-LSTM from random weights; a linear map
# and BatchNorm1d each, width 1024.
model = dict(
    type='DualEncoder',
    data_preprocessor=dict(
        type='PairDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True),
    image_encoder=dict(
        type='mmpretrain.ResNet', depth=50, out_indices=(3,), style='pytorch',
        strides=(1, 2, 2, 2),  # (1, 2, 2, 1) for last stride 1
        init_cfg=dict(
            type='Pretrained',  # mmpretrain: resnet50_8xb32_in1k, ImageNet-1k
            checkpoint='https://download.openmmlab.com/mmclassification/v0/resnet/'
            'resnet50_8xb32_in1k_20210831-ea4938fc.pth',
            prefix='backbone.')),
    # An upper bound: rows beyond the vocabulary are never read. All of CUHK-PEDES has 9,408 words, rare ones included.
    text_encoder=dict(type='BiLSTMTextEncoder', vocab_size=10000, embed_dims=512, hidden_dims=512),
    img_neck=dict(type='LinearBNNeck', in_channels=2048, out_channels=1024, pool='mean'),
    txt_neck=dict(type='LinearBNNeck', in_channels=1024, out_channels=1024, pool='max'),
    heads=dict())
