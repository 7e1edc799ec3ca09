# Both ranking losses summed over their anchors, as in the authors' earlier code, in place of the mean.
_base_ = './deits_cuhk.py'

model = dict(heads=dict(ranking=dict(loss=dict(reduction='sum')), pgu=dict(ranking_loss=dict(reduction='sum'))))
