# Ten epochs of AdamW with cosine. From pre-trained encoders a smaller rate keeps what they know: the leaf sets it.
_base_ = './toy_pretrain.py'

train_cfg = dict(max_epochs=10, val_interval=2)
