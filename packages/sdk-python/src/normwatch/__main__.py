"""`normwatch run | sync | doctor`. Other verbs belong to the server: `pip install "normwatch[server]"`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from email.utils import parsedate_to_datetime

from .capture import DISABLED
from .capture.launch import launch
from .courier import API, Later
from .follow import Follower
from .notices import Notices
from .settings import Settings, WrongUse, read_settings
from .spool import REFUSED_SUFFIX, abandoned_files
from .sync import sync
from .transport import Transport

MEASURE_HELP = "measure the norm of every N-th step that is not clipped (default 1), or never"
FOLLOW_INTERVAL = 1.0
"""Seconds between two checks of the spool by `sync --follow`."""
CLOCK_TOLERANCE = 5.0
"""Seconds that the clocks of this machine and the server may differ before `doctor` reports it."""


OWN = ("run", "sync", "doctor", "--url", "--spool", "-h", "--help")
"""First arguments that this package handles itself."""


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit code. 0: success; 1: something is left to do; 2: invalid arguments."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0].split("=")[0] not in OWN:
        return _serve(arguments)
    parser = argparse.ArgumentParser(
        prog="normwatch", description="Watch a training, send what a training could not send, and check the setup."
    )
    parser.add_argument("--url", help="the server, instead of NORMWATCH_URL and of the address in each spool file")
    parser.add_argument("--spool", metavar="DIR", help="the spool directory, instead of NORMWATCH_SPOOL")
    commands = parser.add_subparsers(dest="command", required=True)
    send = commands.add_parser("sync", help="send what earlier trainings could not send")
    send.add_argument("--all", action="store_true", help="also send files whose writer may still be running")
    send.add_argument("--follow", action="store_true", help="keep sending what trainings write, until Ctrl-C")
    send.add_argument("--refused", action="store_true", help="send again what the server refused")
    watched = commands.add_parser(
        "run",
        help="watch a training without changing it",
        usage="%(prog)s [options] -- command [argument ...]",
        epilog="example: normwatch run --project sft -- torchrun --nproc-per-node 8 train.py",
    )
    watched.add_argument("--project", help="the run's project")
    watched.add_argument("--name", help="the run's name")
    watched.add_argument("--tag", action="append", dest="tags", metavar="TAG", help="a tag of the run; may be repeated")
    watched.add_argument("--measure", type=_measure, default=1, metavar="N|off", help=MEASURE_HELP)
    watched.add_argument("--no-config", action="store_true", help="do not record the command line and versions")
    watched.add_argument("watched_command", nargs="+", metavar="command", help="what to run, with its arguments")
    commands.add_parser("doctor", help="check server, token, clock and spool")
    options = parser.parse_args(arguments)
    if options.command == "run":
        names = ("project", "name", "tags", "measure", "url")
        given = {name: getattr(options, name) for name in names}
        return launch(options.watched_command, {**given, "log_config": False if options.no_config else None})
    logging.basicConfig(format="%(message)s")
    try:
        settings = read_settings(Notices(strict=True).wrong_use, url=options.url, spool_dir=options.spool)
    except WrongUse as error:
        parser.error(str(error))
    if options.command == "doctor":
        return doctor(settings)
    if options.follow:
        return follow(settings)
    report = sync(options.url, spool_dir=options.spool, all_files=options.all, refused=options.refused)
    print(f"{report.sent} points sent, {report.refused} refused, {len(report.files_left)} files left")
    return 1 if report.files_left or report.refused else 0


def _serve(arguments: list[str]) -> int:
    """Hands the command to the server's package, which replaces this process where the platform can do that."""
    try:
        from normwatch_server import run
    except ImportError:
        print('The server is not installed here: pip install "normwatch[server]"', file=sys.stderr)
    else:
        run(arguments)
    return 2


def _measure(text: str) -> int | str:
    if text == DISABLED:
        return text
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def follow(settings: Settings) -> int:
    """Sends what trainings write to the server while they run, until Ctrl-C."""
    follower = Follower(settings, Notices())
    sent = 0
    try:
        while True:
            pause = FOLLOW_INTERVAL
            for outcome in follower.round():
                if isinstance(outcome, Later):
                    pause = max(pause, outcome.delay)
                    print(f"{settings.url} does not accept readings: {outcome.reason}", file=sys.stderr)
                elif outcome.sent:
                    sent += outcome.sent
                    print(f"{sent} points sent", flush=True)
            time.sleep(pause)
    except KeyboardInterrupt:
        return 0


def doctor(settings: Settings) -> int:
    """Checks what a training needs and prints a line per check. Returns 1 if a check fails."""
    if settings.other_user is not None:
        print(f"FAIL server {settings.url}: belongs to the user {settings.other_user}; name yours in NORMWATCH_URL")
        return 1
    transport = Transport(settings.url, settings.token)
    health = transport.request("GET", "/readyz")
    server_date = transport.last_date
    access = transport.request("GET", f"{API}/runs?limit=1")
    checks = [
        (
            health.status == 200,
            f"server {settings.url}",
            health.message if health.status != 200 else "is ready",
        ),
        (
            access.status == 200,
            "token",
            f"{access.status or ''} {access.message}" if access.status != 200 else "is accepted",
        ),
        _check_clock(server_date),
        _check_spool(settings),
    ]
    transport.close()
    for is_well, what, words in checks:
        print(f"{'ok  ' if is_well else 'FAIL'} {what}: {words}")
    return 0 if all(is_well for is_well, _, _ in checks) else 1


def _check_clock(server_date: str | None) -> tuple[bool, str, str]:
    try:
        ahead = time.time() - parsedate_to_datetime(server_date or "").timestamp()
    except (TypeError, ValueError, IndexError):
        return False, "clock", "the server sent no date"
    return (
        abs(ahead) <= CLOCK_TOLERANCE,
        "clock",
        f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's",
    )


def _check_spool(settings: Settings) -> tuple[bool, str, str]:
    directory = settings.spool_dir
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = directory / ".probe"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
    except OSError as error:
        return False, f"spool {directory}", str(error)
    waiting = sum(len(list(abandoned_files(folder))) for folder in settings.spool_dirs)
    refused = len(list(directory.glob(f"*{REFUSED_SUFFIX}")))
    return (
        waiting == 0,
        f"spool {directory}",
        f"{waiting} files wait for `sync`, {refused} files of refused readings",
    )


if __name__ == "__main__":
    sys.exit(main())
