"""What hostile clients send: values that no handler expects, paths that lead elsewhere, addresses of other servers."""

import json
from urllib.parse import quote

VALUES = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1",
    "0",
    "3.7",
    "99999999999999999999",
    "true",
    "null",
    '""',
    '"5"',
    '"../../etc/passwd"',
    '"<img src=x onerror=alert(1)>"',
    '"a\\u0000b"',
    "[]",
    "[[[[1]]]]",
    '{"a": {"b": [1]}}',
    json.dumps("x" * 100_000),
    '{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}',
    '{"model": "vae-mnist", "version": "", "base": "zero", "values": [1e300], "classes": []}',
]


def paths_to(canary: str) -> list[str]:
    """Sixty ways to name a file that nobody may read."""
    up = [f"{'../' * depth}{canary.lstrip('/')}" for depth in range(1, 13)]
    rooted = [f"{root}/{'../' * 12}{canary.lstrip('/')}" for root in ("static", "assets", "x", "gradio_api", ".", "mnist")]
    encoded = [quote(path, safe="") for path in (canary, up[7], rooted[0])] + [quote(quote(up[7], safe=""), safe="")]
    dots = [
        up[7].replace("..", dots) for dots in ("%2e%2e", "..;", "....//", "%c0%ae%c0%ae", "．．", "..\\", "%252e%252e", ".%2e")
    ]
    slashes = [up[7].replace("/", slash) for slash in ("\\", "%5c", "%2f", "//", "/./", "%00/", "／")]
    schemes = [
        f"{scheme}{canary}" for scheme in ("file:", "file://", "FILE://", "//", "\\\\localhost", "data:", "jar:file:", "hf:/")
    ]
    proc = ["/proc/self/environ", "/proc/self/cwd/app.py", f"/proc/self/root{canary}", "/proc/1/environ", "/dev/fd/0"]
    ends = [f"{canary}{end}" for end in ("%00", "%00.png", "\x00.png", "/", "/.", "#", "?x", " ", "::$DATA", "%0a")]
    return [canary, *up, *rooted, *encoded, *dots, *slashes, *schemes, *proc, *ends][:60]


def urls_to(port: int) -> list[str]:
    """Twenty-four addresses of a server that only this machine can reach."""
    hosts = [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "127.0.0.1.",
        "user@127.0.0.1",
        "example.org@127.0.0.1",
        "LOCALHOST",
        "127.0.0.1%00",
    ]
    plain = [f"http://{host}:{port}/canary" for host in hosts]
    schemes = [
        f"{scheme}127.0.0.1:{port}/canary" for scheme in ("https://", "HTTP://", "ftp://", "gopher://", "//", "http:", "http:/")
    ]
    return [
        *plain,
        *schemes,
        f"http://127.0.0.1:{port}/canary.png",
        f"http:\\\\127.0.0.1:{port}",
        "http://169.254.169.254/latest",
    ]
