# Table 4, "TE CPM": soft labels are inner products of the captions' embeddings.
_base_ = './r50_cuhk.py'

model = dict(heads=dict(cpm=dict(soft_labels='text_embedding')))
