# Figure 6, left bar: 1.3 million persons, captions composed from 228 templates in place of 456.
_base_ = './deits_lupt.py'

train_dataloader = dict(dataset=dict(ann_file='228-templates/captions.json'))
