# Twin of the pre-training without masked language modelling (Table 5).
_base_ = './unipt_vit_pool.py'

model = dict(heads=dict(mlm=None))
