# Twin of configs/unipt/deits_lupt_228-templates.py (Figure 6): pseudo-texts from half of the templates.
_base_ = './unipt_vit_pseudo.py'

train_dataloader = dict(dataset=dict(ann_file='toy_pseudo_texts_228-templates/captions.json'))
