# Figure 6, right bar: 2.6 million persons with 456 templates.
_base_ = './deits_lupt.py'

train_dataloader = dict(dataset=dict(ann_file='2600k/captions.json'))
