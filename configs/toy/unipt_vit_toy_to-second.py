# Twin of Table 8: trained on the labelled set, tested on the second one, of other cameras, persons and caption style.
_base_ = './unipt_vit_toy.py'

test_dataloader = dict(dataset=dict(data_root='data/toy_pedes/second'))
