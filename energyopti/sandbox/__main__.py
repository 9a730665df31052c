"""`python -m energyopti.sandbox`: the sandbox as a process of its own; SIGTERM and Ctrl-C stop it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path

from energyopti.sandbox.misbehaviour import Fault, fault
from energyopti.sandbox.query import Limits
from energyopti.sandbox.server import NODES, SEED, make_model, now_utc, serve


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m energyopti.sandbox", description="An upstream in a box: PJM Data Miner 2.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--port-file", type=Path, help="where the port is written once the sandbox listens")
    parser.add_argument("--folder", type=Path, help="serve recorded answers from here instead of the model")
    parser.add_argument("--misbehave", type=_faults, default=[], help="a fault as JSON, or a list of them")
    parser.add_argument("--nodes", type=int, default=NODES, help=f"how many nodes (default {NODES}; PJM has about 13,500)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--key", default="", help="demand this subscription key")
    parser.add_argument("--now", type=_instant, help="stop the sandbox's clock here, for example 2026-06-10T12:00Z")
    return parser.parse_args()


def _faults(text: str) -> list[Fault]:
    try:
        told = json.loads(text)
        return [fault(one) for one in (told if isinstance(told, list) else [told])]
    except (ValueError, AttributeError) as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("write the offset, for example 2026-06-10T12:00Z")
    return moment


def _write_port(path: Path, port: int) -> None:
    """Whole or not at all: who waits for the file never reads half a number."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(f"{port}\n", encoding="ascii")
    draft.replace(path)


def main() -> int:
    arguments = _arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    clock = (lambda: arguments.now) if arguments.now else now_utc
    model = make_model(seed=arguments.seed, nodes=arguments.nodes)
    with serve(model=model, folder=arguments.folder, limits=Limits(key=arguments.key), clock=clock, port=arguments.port) as sandbox:
        for one in arguments.misbehave:
            sandbox.faults.add(one)
        if arguments.port_file:
            _write_port(arguments.port_file, sandbox.server_address[1])
        sys.stdout.write(f"The sandbox listens on {sandbox.url}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
