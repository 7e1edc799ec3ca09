# Table 1, "CMPM + MMT" (Ge et al., ICLR 2020): two networks and their moving averages, clusters as they are, batches of
# 32 clusters of pictures with 4 pairs each; a caption's own picture is its only positive across modalities.
_base_ = [
    '../_base_/models/r50_bilstm.py',
    '../_base_/datasets/cuhk_weak_words.py',
    '../_base_/schedules/cmmt.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(
    type='MutualTeaching',
    heads=dict(
        mutual=dict(
            type='MutualTeachingHead', num_images=34054, num_captions=68126, dim=1024, min_cluster_size=4,
            triplet_input='before_norm'),
        cpm=dict(type='ProjectionMatchingHead', soft_labels='identity', loss_weight=0.8)))
train_dataloader = dict(sampler=dict(_delete_=True, type='PseudoLabelSampler', num_clusters=32, num_instances=4))
mutual = {key: value for key, value in _base_.clustering.items() if key not in ('eps_gap', 'refine')}
# As MMT's code: lists of 20, and an optimizer without memory at every epoch. Its rule for eps: eps_share (README).
mutual.update(type='MutualTeachingHook', k1=20, reset_optimizer=True)
custom_hooks = [*_base_.common_hooks, mutual]
