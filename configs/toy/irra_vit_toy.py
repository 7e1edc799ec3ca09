# IRRA's heads on the toy's ViT and BERT, from UniPT's pre-training on the pool.
_base_ = [
    '../_base_/models/toy.py',
    '../_base_/datasets/toy_pedes_masked.py',
    '../_base_/schedules/toy_finetune.py',
    '../_base_/default_runtime.py',
]

model = dict(
    heads=dict(
        sdm=dict(type='SimilarityDistributionHead', loss=dict(type='SDMLoss', temperature=0.02)),
        irr=dict(type='ImplicitReasoningHead', vocab_size=1024, dim=128, num_layers=4),
        identity=dict(type='IdentityHead', num_classes=200, in_channels=128, loss_weight=0.5)))
load_from = 'work_dirs/unipt_vit_pool/epoch_12.pth'
