# Twin of Table 8 for the model from scratch.
_base_ = './unipt_vit_toy_scratch.py'

test_dataloader = dict(dataset=dict(data_root='data/toy_pedes/second'))
