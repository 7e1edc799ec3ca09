# Twin of the fine-tuning from generic weights (Table 2, upper block): here from random ones, for want of a generic toy.
_base_ = './unipt_vit_toy.py'

load_from = None
