# Twin of configs/cmmt/r50_cuhk_ve-cpm.py (Table 4): soft labels are inner products of the pictures' embeddings.
_base_ = './cmmt_vit_toy.py'

model = dict(heads=dict(cpm=dict(soft_labels='image_embedding')))
