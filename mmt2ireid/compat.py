"""Every patch of a dependency, each with the upstream version that retires it."""


def install() -> None:
    """Applies the patches that cost no heavy import; called once by ``import mmt2ireid``."""
