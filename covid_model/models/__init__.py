"""The models: table, builders, cards, loading."""

from covid_model.models.classifier import Classifier, Prepared, load
from covid_model.models.specs import DEFAULT_MODEL, MODELS, SHIPPED, get_model

__all__ = ["DEFAULT_MODEL", "MODELS", "SHIPPED", "Classifier", "Prepared", "get_model", "load"]
