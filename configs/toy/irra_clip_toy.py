# Twin of configs/irra/vitb16_cuhk_irra.py on the toy CLIP, whose picture tower gives one token for words to look at.
_base_ = [
    '../_base_/models/toy_clip.py',
    '../_base_/datasets/toy_clip_masked.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/default_runtime.py',
]

model = dict(
    heads=dict(
        sdm=dict(type='SimilarityDistributionHead', loss=dict(type='SDMLoss', temperature=0.02)),
        irr=dict(type='ImplicitReasoningHead', vocab_size=49408, dim=128, num_layers=4),
        identity=dict(type='IdentityHead', num_classes=200, in_channels=128, loss_weight=0.5)))
