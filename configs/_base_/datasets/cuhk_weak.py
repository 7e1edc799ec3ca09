# CUHK-PEDES for training without identities: batches of 128 pairs, and how its features are clustered (section 4.1,
# with SpCL's settings). `clustering` becomes a hook where a leaf lists it.
_base_ = './cuhk.py'

train_dataloader = dict(batch_size=128)
clustering = dict(
    type='ClusteringHook',
    k1=30, k2=6, eps=0.6, eps_gap=0.02, min_samples=4, refine=('v2t', 't2v'),
    dataloader=dict(
        batch_size=128,
        num_workers=4,
        persistent_workers=True,
        pin_memory=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(**_base_.dataset, split='train', unit='image', pipeline=_base_.test_pipeline)))
