# CMMT's heads on CLIP's ResNet-50 and its text tower. The memory's sizes belong to the data set: the leaf gives them.
_base_ = './clip_rn50.py'

model = dict(
    heads=dict(
        memory=dict(type='MemoryHead', dim=1024, momentum=0.2, temperature=0.05),
        cpm=dict(type='ProjectionMatchingHead', soft_labels='text_iou', loss_weight=0.8),
        hsm=dict(type='HardMiningHead', loss=dict(type='HardMiningLoss', ratio=0.03), loss_weight=0.9)))
