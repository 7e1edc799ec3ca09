"""Weights & Biases with the package and the config in place of the whole checkout."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config
from mmengine.visualization import WandbVisBackend
from mmengine.visualization.vis_backend import force_init_env

from mmt2ireid.registry import VISBACKENDS

_LOGGED = ('.py', '.yaml')
_PACKAGE = Path(__file__).resolve().parents[1]


@VISBACKENDS.register_module()
class WandbBackend(WandbVisBackend):
    """Logs a run to Weights & Biases: metrics, the config, and the source files of this package.

    MMEngine's ``WandbVisBackend`` has Weights & Biases hash all that lies below the working directory before the first
    step. In a checkout with a virtual environment and data that takes minutes.

    Args:
        **kwargs: as for MMEngine's backend, of which ``init_kwargs`` are those of ``wandb.init``.

    Raises:
        ImportError: when the run starts, if ``wandb`` is not installed (``pip install wandb``).

    Example:
        A config logs to the project ``t2i-reid`` and to the work dir as before::

            visualizer = dict(vis_backends=[
                dict(type='mmengine.LocalVisBackend'),
                dict(type='WandbBackend', init_kwargs=dict(project='t2i-reid')),
            ])
    """

    @force_init_env
    def add_config(self, config: Config, **kwargs: object) -> None:
        """Log a config as settings and as the file ``config.py``, and the package's source files.

        Args:
            config: of the run.
            **kwargs: not used.
        """
        run = self._wandb.run
        allow_val_change = self._init_kwargs.get('allow_val_change', False)
        run.config.update(config.to_dict(), allow_val_change=allow_val_change)
        text = self._wandb.Artifact(f'config-{run.id}', type='config')
        with text.new_file('config.py', mode='w', encoding='utf-8') as file:
            file.write(config.pretty_text)
        run.log_artifact(text)
        run.log_code(
            root=str(_PACKAGE),
            name=self._log_code_name,
            include_fn=lambda path, root: path.endswith(_LOGGED) and '.mim' not in Path(path).parts,
        )
