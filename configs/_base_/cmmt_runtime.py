# Hooks of every run of CMMT and its baselines; a leaf adds `noun_phrases` and the data set's `clustering` as it needs.
_base_ = './default_runtime.py'

noun_phrases = dict(type='NounPhraseHook', tagger='auto')
common_hooks = [*_base_.custom_hooks, dict(type='VocabularyHook')]
custom_hooks = common_hooks
