"""Register a finished run as a model that every page and command offers."""

from dataclasses import replace

from covid_model.errors import RunError
from covid_model.models.card import Card, read_card
from covid_model.models.specs import get_model
from covid_model.models.user_models import save_user_model, user_model_key
from covid_model.settings import require_own_host
from covid_model.training.initial_weights import best_network
from covid_model.training.run_folder import RunFolder, state_of


def register(run: RunFolder) -> Card:
    """Save the best weights of a run as a user model with the run's name; returns the new card.

    Raises RunError for a run that is not finished, ModelError for a name that cannot be used or a folder that cannot be
    written, HostError on a public copy.
    """
    require_own_host("Registering a model")
    if state_of(run) != "finished":
        raise RunError(f"Only a finished run can be used as a model; {run.name} is {state_of(run)}.")
    spec, key = get_model(str(run.config()["model"])), user_model_key(run.name)
    card = read_card(run.path / spec.card_name)
    own = replace(card, key=key, title=run.name, summary=f"Trained here as {spec.title}.", scores={})
    return save_user_model(best_network(run), own)
