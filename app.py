"""genlab in the browser: `python app.py`, then open the address that it prints."""

import argparse
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Answers a wrong flag with one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}. See python {self.prog} --help.\n")


def parse_arguments() -> argparse.Namespace:
    parser = Parser(description=__doc__, allow_abbrev=False)
    space = "SPACE_ID" in os.environ  # a Hugging Face Space is public and has its own way in
    host = "0.0.0.0" if space else "127.0.0.1"  # noqa: S104
    parser.add_argument("--host", default=host, help="address to listen at (%(default)s)")
    parser.add_argument("--port", type=_port, default=7860, help="port to listen at (%(default)s)")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where models run and train (%(default)s)"
    )
    parser.add_argument("--data-dir", type=_folder, help="folder of the datasets ($GENLAB_DATA)")
    parser.add_argument("--runs-dir", type=Path, help="folder of the training runs ($GENLAB_RUNS)")
    parser.add_argument("--public", action="store_true", help="for strangers: caps, and a space of their own for each visitor")
    parser.add_argument("--share", action="store_true", help="the same with a public link, through Gradio's tunnel")
    parser.add_argument("--no-auth", action="store_true", help="no password for --public and --share")
    arguments = parser.parse_args()
    arguments.public |= arguments.share or space
    if arguments.no_auth and not arguments.public:
        parser.error("--no-auth belongs to --public or --share; without these the page asks for no password")
    arguments.password = None if arguments.no_auth or space or not arguments.public else secrets.token_urlsafe(12)
    if reason := _taken(arguments.host, arguments.port):
        parser.error(f"cannot listen at {arguments.host}:{arguments.port} ({reason}); choose another with --host or --port")
    return arguments


def main() -> None:
    arguments = parse_arguments()
    for name, value in {
        "GENLAB_DATA": arguments.data_dir and arguments.data_dir.absolute(),
        "GENLAB_RUNS": arguments.runs_dir and arguments.runs_dir.absolute(),
        "GENLAB_DEVICE": arguments.device,
    }.items():
        if value:
            os.environ[name] = str(value)
    from genlab.lazy import late

    serve = late("genlab.ui.server.serve", "serve")  # reads the environment, and takes seconds to import
    sys.exit(serve(arguments.host, arguments.port, arguments.public, arguments.share, arguments.password))


def _taken(host: str, port: int) -> str | None:
    """Why nothing can listen there, if so."""
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server((host, port), family=family).close()
    except socket.gaierror:
        return "no such address"
    except (OSError, UnicodeError) as fault:
        return os.strerror(fault.errno).lower() if isinstance(fault, OSError) and fault.errno else "no such address"
    return None


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return Path(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; it must be a whole number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    main()
