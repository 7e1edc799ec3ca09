# All of TBPS-CLIP's losses: soft labels, a second view of each picture (MVS-I) and SimCLR on two more (SS-I).
_base_ = './clip_vitb16_tbps.py'

model = dict(
    text_encoder=dict(attention_dropout=0.05),
    heads=dict(
        contrastive=dict(soft_ratio=0.5, view=0),
        views=dict(
            type='TwoViewHead', in_channels=512, hidden_channels=128, out_channels=512, views=(1, 2), temperature=0.1,
            loss_weight=0.4)))
