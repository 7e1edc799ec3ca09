"""Child registries of MMEngine's, scope ``mmt2ireid``.

MMEngine imports this module by itself when a config names a type in full (``mmt2ireid.DualEncoder``). Each registry
knows the packages that hold its components and imports them when it is first asked for one.
"""

from mmengine import registry as mmengine
from mmengine.registry import Registry


def _child(name: str, parent: Registry, *locations: str) -> Registry:
    return Registry(name, parent=parent, scope='mmt2ireid', locations=[f'mmt2ireid.{place}' for place in locations])


DATASETS = _child('dataset', mmengine.DATASETS, 'datasets')
DATA_SAMPLERS = _child('data sampler', mmengine.DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child('transform', mmengine.TRANSFORMS, 'datasets')

MODELS = _child('model', mmengine.MODELS, 'models')
WEIGHT_INITIALIZERS = _child('weight initializer', mmengine.WEIGHT_INITIALIZERS, 'models')

HOOKS = _child('hook', mmengine.HOOKS, 'engine')
LOOPS = _child('loop', mmengine.LOOPS, 'engine')
OPTIM_WRAPPERS = _child('optimizer wrapper', mmengine.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('optimizer wrapper constructor', mmengine.OPTIM_WRAPPER_CONSTRUCTORS, 'engine')
PARAM_SCHEDULERS = _child('parameter scheduler', mmengine.PARAM_SCHEDULERS, 'engine')

VISBACKENDS = _child('visualization backend', mmengine.VISBACKENDS, 'visualization')

# Nothing of ours yet; without a child of our scope, MMEngine warns at each type that a config names without one.
RUNNERS = _child('runner', mmengine.RUNNERS)
RUNNER_CONSTRUCTORS = _child('runner constructor', mmengine.RUNNER_CONSTRUCTORS)
LOG_PROCESSORS = _child('log processor', mmengine.LOG_PROCESSORS)
OPTIMIZERS = _child('optimizer', mmengine.OPTIMIZERS)
MODEL_WRAPPERS = _child('model wrapper', mmengine.MODEL_WRAPPERS)
EVALUATORS = _child('evaluator', mmengine.EVALUATOR)
FUNCTIONS = _child('function', mmengine.FUNCTIONS)
TASK_UTILS = _child('task util', mmengine.TASK_UTILS)

METRICS = _child('metric', mmengine.METRICS, 'evaluation')
VISUALIZERS = _child('visualizer', mmengine.VISUALIZERS, 'visualization')

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'EVALUATORS',
    'FUNCTIONS',
    'HOOKS',
    'LOG_PROCESSORS',
    'LOOPS',
    'METRICS',
    'MODELS',
    'MODEL_WRAPPERS',
    'OPTIMIZERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'PARAM_SCHEDULERS',
    'RUNNERS',
    'RUNNER_CONSTRUCTORS',
    'TASK_UTILS',
    'TRANSFORMS',
    'VISBACKENDS',
    'VISUALIZERS',
    'WEIGHT_INITIALIZERS',
]
