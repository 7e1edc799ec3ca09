# IRRA's heads on CLIP's encoders. num_classes belongs to the data set: the leaf gives it.
_base_ = './clip_vitb16.py'

model = dict(
    heads=dict(
        sdm=dict(type='SimilarityDistributionHead', loss=dict(type='SDMLoss', temperature=0.02)),
        irr=dict(type='ImplicitReasoningHead', vocab_size=49408, dim=512, num_layers=4, num_heads=8),
        # The mean of both modalities' cross-entropies, in place of their sum.
        identity=dict(type='IdentityHead', in_channels=512, loss_weight=0.5)))
