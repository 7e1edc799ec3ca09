# ToyPEDES for training without identities. A person has four pictures and eight captions: short lists of neighbours. k2
# and eps are those at which clusters of pictures and of captions agree best before they refine each other (no labels).
_base_ = './toy_pedes.py'

clustering = dict(
    type='ClusteringHook',
    k1=(4, 8), k2=1, eps=0.4, eps_gap=0.02, min_samples=2, refine=('v2t', 't2v'),
    dataloader=dict(
        batch_size=100,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(**_base_.dataset, split='train', unit='image', pipeline=_base_.test_pipeline)))
