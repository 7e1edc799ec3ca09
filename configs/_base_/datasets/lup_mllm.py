# LUPerson-MLLM: about a million persons with captions of two language models, in two kinds of templates each.
_base_ = './lupt.py'

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='LUPersonMLLM',
        data_root='data/LUPerson-MLLM',
        on_bad_image='skip',
        pipeline=_base_.train_pipeline))
