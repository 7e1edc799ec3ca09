default_scope = 'mmt2ireid'
custom_imports = dict(imports=['mmt2ireid'], allow_failed_imports=False)

default_hooks = dict(
    runtime_info=dict(type='DeferredRuntimeInfoHook', interval=10),
    timer=dict(type='mmengine.IterTimerHook'),
    sampler_seed=dict(type='mmengine.DistSamplerSeedHook'),
    logger=dict(type='mmengine.LoggerHook', interval=50),
    param_scheduler=dict(type='mmengine.ParamSchedulerHook'),
    # Model selection is on the validation split, of equal epochs by mAP. Iteration-based schedules set by_epoch=False.
    checkpoint=dict(
        type='AtomicCheckpointHook', interval=1, max_keep_ckpts=2, save_best='t2i/R1', rule='greater'))

custom_hooks = [
    dict(type='StepSeedHook'),
    dict(type='CheckpointGuardHook'),
    dict(type='IdentityCountHook'),
    dict(type='NaNGuardHook', interval=50),
    dict(type='SkippedImagesHook'),
    dict(type='ProgressBarHook'),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # gloo takes its place on machines without a GPU.
    dist_cfg=dict(backend='nccl'))

log_processor = dict(type='mmengine.LogProcessor', window_size=50, by_epoch=True)
visualizer = dict(type='mmengine.Visualizer', vis_backends=[dict(type='mmengine.LocalVisBackend')])
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0, deterministic=False)
