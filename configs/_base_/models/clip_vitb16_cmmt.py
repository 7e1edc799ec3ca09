# CMMT's heads on CLIP's encoders. The memory's sizes belong to the data set: the leaf gives them.
_base_ = './clip_vitb16.py'

model = dict(
    heads=dict(
        memory=dict(type='MemoryHead', dim=512, momentum=0.2, temperature=0.05),
        cpm=dict(type='ProjectionMatchingHead', soft_labels='text_iou', loss_weight=0.8),
        hsm=dict(type='HardMiningHead', loss=dict(type='HardMiningLoss', ratio=0.03), loss_weight=0.9)))
