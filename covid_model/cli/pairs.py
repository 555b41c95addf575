"""Several NAME=VALUE on the command line."""

from covid_model.errors import DataError


def pairs(flag: str, texts: list[str]) -> dict[str, str]:
    """{name: value} of texts like NAME=VALUE. flag: for messages. Raises DataError for other texts, and for a repeated name.

    >>> pairs("--source", ["one=folder", "two=a=b"])
    {'one': 'folder', 'two': 'a=b'}
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise DataError(f"{flag} takes NAME=VALUE. Received: {text!r}.")
        if name in found:
            raise DataError(f"{flag} names {name} twice; give each its own name.")
        found[name] = value
    return found
