# Twin of configs/cmmt/r50_cuhk_cmpm-cmpc.py (Table 1), with identities, at CMMT's recipe.
_base_ = ['../_base_/models/toy.py', '../_base_/datasets/toy_pedes.py', '../_base_/schedules/toy_finetune.py',
          '../_base_/cmmt_runtime.py']

model = dict(
    heads=dict(
        cpm=dict(type='ProjectionMatchingHead', soft_labels='label', loss=dict(type='CPMLoss', bidirectional=True)),
        cmpc=dict(type='CMPCHead', num_classes=200, in_channels=128)))
load_from = 'work_dirs/unipt_vit_pseudo/epoch_12.pth'
