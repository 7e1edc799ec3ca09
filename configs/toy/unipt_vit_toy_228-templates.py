# Twin of configs/unipt/deits_cuhk_228-templates.py (Figure 6): fine-tuning after pre-training on half of the templates.
_base_ = './unipt_vit_toy.py'

load_from = 'work_dirs/unipt_vit_pseudo_228-templates/epoch_12.pth'
