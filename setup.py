"""Packages of the wheel: `covid_model`, and the folder `assets` inside it, which a checkout keeps beside it."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["covid_model*"]), "covid_model.assets"],
    package_dir={"covid_model.assets": "assets"},
    package_data={"covid_model": ["weights/*", "share/*.html", "viewer/*.[cj]s*"], "covid_model.assets": ["*", "**/*"]},
)
