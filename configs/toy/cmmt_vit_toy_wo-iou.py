# CMMT without Text-IoU's soft labels: the third component of Table 2 taken away. A caption's own picture is its only one.
_base_ = './cmmt_vit_toy.py'

model = dict(heads=dict(cpm=dict(soft_labels='identity')))
