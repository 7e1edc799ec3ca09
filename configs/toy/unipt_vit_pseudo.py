# Twin of configs/unipt/vitb16_lupt_tuned.py with pseudo-texts: the pool as a toy CLIP describes it, nobody's captions.
_base_ = './unipt_vit_pool.py'

train_dataloader = dict(
    dataset=dict(
        data_root='data',
        ann_file='toy_pseudo_texts/captions.json',
        data_prefix=dict(img_path='toy_pedes/pool/imgs')))
