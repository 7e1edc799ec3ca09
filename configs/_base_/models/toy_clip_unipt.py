# UniPT's fine-tuning heads on the toy CLIP, with the contrastive head of every toy fine-tuning.
_base_ = './toy_clip.py'

num_classes = 200
model = dict(
    img_neck=dict(_delete_=True, type='ConvMaxPoolNeck', in_channels=128, out_channels=128),
    txt_neck=dict(_delete_=True, type='ConvMaxPoolNeck', in_channels=128, out_channels=128),
    heads=dict(
        contrastive=dict(
            type='ContrastiveHead', loss=dict(type='ContrastiveLoss', logit_scale=14.3, learn_scale=True)),
        identity=dict(type='IdentityHead', num_classes=num_classes, in_channels=128),
        ranking=dict(type='RankingHead', loss=dict(type='RankingLoss', margin=0.2)),
        pgu=dict(
            type='PGUHead', num_classes=num_classes, dim=128, head_dim=128, ffn_dim=128,
            ranking_loss=dict(type='RankingLoss', margin=0.2))))
