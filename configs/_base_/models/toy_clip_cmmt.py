# CMMT's heads on the toy CLIP.
_base_ = './toy_clip.py'

model = dict(
    heads=dict(
        memory=dict(type='MemoryHead', num_images=800, num_captions=1600, dim=128),
        cpm=dict(type='ProjectionMatchingHead', soft_labels='text_iou', loss_weight=0.8),
        hsm=dict(type='HardMiningHead', loss_weight=0.9)))
