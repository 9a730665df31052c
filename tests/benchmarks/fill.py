"""Fills the database of a data folder for the benchmarks; what lies there already is not made again.

ENERGYOPTI_HOME=folder python -m tests.benchmarks.fill --points 100000000
"""

from __future__ import annotations

import argparse
import os

import django

from energyopti.onemachine import home, postgres, redis, services, tables


def main(points: int) -> None:
    folder = home.load_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "energyopti.settings")
    with services.ensure(folder, services=[postgres, redis]):
        django.setup()
        from tests.benchmarks import dataset

        tables.migrate(say=print)
        print(dataset.fill(points=points))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=10_000_000)
    main(parser.parse_args().points)
