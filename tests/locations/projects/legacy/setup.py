from setuptools import find_packages, setup

setup(
    name="legacy",
    version="1.0",
    packages=find_packages(exclude=["legacy_tests"]),
    install_requires=["dagster", "dagster-cloud", "duckdb"],
    extras_require={"dev": ["dagster-webserver", "pytest"]},
)
