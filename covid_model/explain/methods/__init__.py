"""Explanation methods, one class each. To add one, put a file here with a class that is decorated with `@register`.

`METHODS` feeds pages, command line, docs and tests. Importing it needs no TensorFlow.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from covid_model.explain.methods.registry import METHODS, Method, MethodInput, get_method, register

__all__ = ["DEFAULT_METHOD", "METHODS", "Method", "MethodInput", "get_method", "register"]

_FIRST: Final = ("cam", "score_cam", "gradients", "perturbation", "keras_vis")
"""The order in which methods are offered; other files of the folder follow by name."""

for _name in dict.fromkeys((*_FIRST, *sorted(module.name for module in iter_modules(__path__)))):
    import_module(f"{__name__}.{_name}")

DEFAULT_METHOD: Final = next(iter(METHODS))
