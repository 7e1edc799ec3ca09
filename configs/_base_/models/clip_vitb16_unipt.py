# UniPT's fine-tuning heads (eq. 7) on CLIP's ViT-B/16 and its text tower: each token as CLIP's last projection leaves it,
# then the 1x1 convolution and max-pooling of every UniPT model. num_classes belongs to the data set: the leaf gives it.
_base_ = './clip_vitb16.py'

model = dict(
    img_neck=dict(_delete_=True, type='ConvMaxPoolNeck', in_channels=512, out_channels=512),
    txt_neck=dict(_delete_=True, type='ConvMaxPoolNeck', in_channels=512, out_channels=512),
    heads=dict(
        identity=dict(type='IdentityHead', in_channels=512),
        ranking=dict(type='RankingHead', loss=dict(type='RankingLoss', margin=0.2)),
        pgu=dict(type='PGUHead', part_init='kaiming', ranking_loss=dict(type='RankingLoss', margin=0.2))))
