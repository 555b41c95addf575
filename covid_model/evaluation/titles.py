"""The scores of a report by the names that people read."""

from typing import Final

SCORES: Final = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "auc/macro": "AUC, mean over classes",
    "auprc/macro": "AUPRC, mean over classes",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "ece": "Calibration error",
    "ece/before temperature": "Calibration error before temperature scaling",
}
OF_CLASS: Final = {
    "auc": "AUC",
    "auprc": "AUPRC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
}


def score_title(key: str) -> str:
    """What a score is called. key: as in a report; of a class "measure/class". Raises KeyError for an unknown one.

    >>> score_title("balanced_accuracy"), score_title("auc/COVID-19")
    ('Balanced accuracy', 'AUC, COVID-19')
    """
    if key in SCORES:
        return SCORES[key]
    measure, _, name = key.partition("/")
    return f"{OF_CLASS[measure]}, {name}"
