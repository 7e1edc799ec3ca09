"""What a module of the data sets logs."""


def listen(monkeypatch, *modules):
    said = []
    for module in modules:
        monkeypatch.setattr(f'mmt2ireid.datasets.{module}.print_log', lambda message, **_: said.append(message))
    return said
