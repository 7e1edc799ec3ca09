# Twin of configs/cmmt/r50_cuhk_mm-tim.py (Table 1): pictures regress a frozen embedding of their captions, here that of the
# text encoder pre-trained on pseudo-texts. The head gives text no gradient, and there is no dropout.
_base_ = ['../_base_/models/toy.py', '../_base_/datasets/toy_pedes.py', '../_base_/schedules/toy_finetune.py',
          '../_base_/cmmt_runtime.py']

model = dict(
    text_encoder=dict(config=dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)),
    heads=dict(regression=dict(type='TextRegressionHead')))
find_unused_parameters = True
load_from = 'work_dirs/unipt_vit_pseudo/epoch_12.pth'
