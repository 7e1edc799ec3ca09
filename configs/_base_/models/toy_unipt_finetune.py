# UniPT's fine-tuning heads at the toy's width. The contrastive head is not the paper's: from random weights nearly all
# negatives are nearer than the positive, where the semi-hard rule of the ranking loss ignores them, so that identity and
# ranking loss alone stay at chance. It is there in every toy fine-tuning, so that they differ in the start only.
_base_ = './toy.py'

num_classes = 200
model = dict(
    heads=dict(
        contrastive=dict(
            type='ContrastiveHead', loss=dict(type='ContrastiveLoss', logit_scale=14.3, learn_scale=True)),
        identity=dict(type='IdentityHead', num_classes=num_classes, in_channels=128),
        ranking=dict(type='RankingHead', loss=dict(type='RankingLoss', margin=0.2)),
        pgu=dict(
            type='PGUHead', num_classes=num_classes, dim=128, head_dim=128, ffn_dim=128,
            ranking_loss=dict(type='RankingLoss', margin=0.2))))
