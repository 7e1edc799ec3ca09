# Table 1, "MM-TIM" (Gomez et al., 2019): pictures regress a frozen embedding of their captions, here the mean of
# generic BERT's tokens (a Bi-LSTM that nothing trains would be noise) through a fixed random map. The head gives text
# no gradient: none of its weights moves, and there is no dropout.
_base_ = [
    '../_base_/models/r50_bilstm.py',
    '../_base_/datasets/cuhk_weak.py',
    '../_base_/schedules/cmmt.py',
    '../_base_/cmmt_runtime.py',
]

model = dict(
    text_encoder=dict(
        _delete_=True,
        type='BertTextEncoder',
        config=dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0),
        init_cfg=dict(type='mmt2ireid.HFPretrained', checkpoint='bert-base-uncased')),
    txt_neck=dict(in_channels=768, pool='mean'),
    heads=dict(regression=dict(type='TextRegressionHead')))
find_unused_parameters = True
