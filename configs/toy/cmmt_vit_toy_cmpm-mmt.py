# Twin of configs/cmmt/r50_cuhk_cmpm-mmt.py (Table 1); both networks start from the weights of the other rows.
_base_ = './cmmt_vit_toy_baseline.py'

model = dict(
    type='MutualTeaching',
    heads=dict(
        memory=None,
        mutual=dict(type='MutualTeachingHead', num_images=800, num_captions=1600, dim=128, min_cluster_size=2)))
train_dataloader = dict(sampler=dict(_delete_=True, type='PseudoLabelSampler', num_clusters=16, num_instances=4))
mutual = {key: value for key, value in _base_.clustering.items() if key not in ('eps_gap', 'refine')}
# Un-clustered pictures are left out of its batches: at CMMT's eps three quarters would be.
mutual.update(k2=2, eps=0.6)
custom_hooks = [*_base_.common_hooks, dict(mutual, type='MutualTeachingHook')]
