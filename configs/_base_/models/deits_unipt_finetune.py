# UniPT's fine-tuning heads (eq. 7). num_classes belongs to the data set: the leaf gives it.
_base_ = './deits_bert.py'

model = dict(
    heads=dict(
        identity=dict(type='IdentityHead', in_channels=512),
        ranking=dict(type='RankingHead', loss=dict(type='RankingLoss', margin=0.2)),
        pgu=dict(type='PGUHead', part_init='kaiming', ranking_loss=dict(type='RankingLoss', margin=0.2))))
