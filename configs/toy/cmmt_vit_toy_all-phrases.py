# CMMT with Text-IoU over all noun phrases, as in the paper: the common ones ("man", "white shoe") too.
_base_ = './cmmt_vit_toy.py'

noun_phrases = dict(_base_.noun_phrases, max_share=1.0)
custom_hooks = [*_base_.common_hooks, noun_phrases, _base_.clustering]
