"""The targets under libFuzzer, by way of atheris: ``python tests/fuzz/fuzz.py --all --seconds 6``.

Each target runs in a process of its own, on a copy of its corpus and of the golden and example messages. What it costs
and what it found is one line of the table; an input that broke something is kept, and printed. The exit status is 1
where there is any. ``--grow`` takes what was found into the corpus, as few and as small files as show the most.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import resource
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
#: The longest input. What is fuzzed has no size of its own; limits are small, and a small input is quick.
LONGEST = {"headers": 1024, "credentials": 1024, "framing": 4096, "soap": 6144, "request": 8192}
#: Seconds that one input can take: some ten thousand times what it takes on the average.
TIMEOUT = 10
#: Megabytes of a process with its corpus and the tables of libFuzzer.
MEMORY = 512
#: Files of one target in the corpus, and octets of one.
FILES_MOST = 190
FILE_MOST = 2048


# -- in the process that fuzzes


def fuzz(target: str, arguments: list[str], *, plain: bool) -> NoReturn:
    """Run libFuzzer, which ends the process."""
    import atheris

    with atheris.instrument_imports(include=["mm7_wsgi", "multipart", "defusedxml"]):
        import mm7_wsgi  # noqa: F401
    check = runpy.run_path(str(HERE / "targets.py"))["TARGETS"][target]
    mutated = runpy.run_path(str(HERE / "mutations.py"))["mutated"]
    others = [path.read_bytes() for path in seeds(target)]

    def mutate(octets: bytes, longest: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.5:
            octets = mutated(octets, chance, others)[:longest]
        if chance.random() < 0.6:
            octets = atheris.Mutate(octets, longest)
        return octets

    def run(octets: bytes) -> None:
        check(bytes(octets))

    more: dict[str, Any] = {} if plain else {"custom_mutator": mutate}
    atheris.Setup([sys.argv[0], *arguments], run, **more)
    atheris.Fuzz()
    sys.exit(0)


# -- in the process that drives it


def targets() -> tuple[str, ...]:
    """The names of the targets."""
    return tuple(runpy.run_path(str(HERE / "targets.py"))["TARGETS"])


def seeds(target: str) -> list[Path]:
    """The files of the corpus, if there are any yet."""
    return sorted((CORPUS / target).glob("*"))


def messages() -> Iterator[bytes]:
    """The golden and the example messages, without their length, which every change would make wrong."""
    root = HERE.parents[1]
    for path in sorted((root / "tests" / "golden").glob("*/request.http")):
        yield re.sub(rb"Content-Length:[^\n]*\n", b"", path.read_bytes())
    for path in sorted((root / "examples" / "messages").glob("*.body")):
        yield path.with_suffix(".headers").read_bytes().strip() + b"\r\n\r\n" + path.read_bytes()


def seed_of(target: str, message: bytes) -> bytes:
    """What a target is given of a message."""
    if target == "request":
        return message
    line, _, rest = message.partition(b"\n") if message.startswith(b"POST ") else (b"", b"", message)
    if target == "framing":
        return rest
    if target == "soap":
        start, end = rest.find(b"<?xml"), rest.find(b"Envelope>", rest.find(b"</"))
        return rest[start : end + 9]
    found = re.search(rb"Content-Type:\s*(.*)", rest)
    if target == "headers":
        return found[1].strip() if found else b""
    path = line.split()[1] if line else b"/mm7/acme=s3cret"
    return b"SCRIPT_NAME: \nPATH_INFO: %s\nRAW_URI: %s\nREMOTE_ADDR: 192.0.2.7\n" % (path, path)


def write_dictionary(path: Path) -> None:
    """The words of the mutations, as libFuzzer reads them."""
    words = runpy.run_path(str(HERE / "mutations.py"))["WORDS"]
    written = ["".join(chr(o) if 32 <= o < 127 and o not in b'"\\' else f"\\x{o:02X}" for o in word) for word in words]
    path.write_text("".join(f'"{word}"\n' for word in written), "ascii")


def commit() -> str:
    """The commit of the tree that this is in, with a plus where something is changed; a dash where there is none."""

    def git(*arguments: str) -> str:
        try:
            done = subprocess.run(["git", "-C", HERE, *arguments], check=False, capture_output=True, text=True)
        except OSError:
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    name = git("rev-parse", "--short", "HEAD")
    return (name + ("+" if git("status", "--porcelain", "--", HERE.parents[1] / "mm7_wsgi") else "")) or "-"


_STATUS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)/(\w+)(?:.*?exec/s: (\d+) rss: (\d+)Mb)?")
_ARTIFACT = re.compile(r"Test unit written to (\S+)")


def drive(target: str, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Fuzz one target in a process of its own; the row of the table."""
    corpus, found = folder / "corpus", folder / "found"
    corpus.mkdir(parents=True)
    found.mkdir()
    for octets in [seed_of(target, message) for message in messages()]:
        (corpus / hashlib.sha1(octets).hexdigest()).write_bytes(octets[: LONGEST[target]])
    for source in (CORPUS / target, *([Path(options.corpus) / target] if options.corpus else [])):
        for path in sorted(source.glob("*")):
            shutil.copy(path, corpus)
    write_dictionary(folder / "words.dict")
    artifacts = Path(options.artifacts).resolve()
    artifacts.mkdir(parents=True, exist_ok=True)
    arguments = [
        f"-runs={options.runs}" if options.runs else "-runs=-1",
        f"-max_total_time={options.seconds}" if options.seconds else "-max_total_time=0",
        f"-max_len={LONGEST[target]}",
        f"-timeout={options.timeout}",
        f"-rss_limit_mb={options.memory}",
        f"-dict={folder / 'words.dict'}",
        f"-seed={options.seed}",
        f"-artifact_prefix={artifacts}/{target}-",
        "-report_slow_units=2",
        "-print_final_stats=1",
        "-reload=0",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status, log = run(target, [*arguments, str(found), str(corpus)], options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    row = row_of(target, status, log)
    # Of a machine that others use too, these say more than the seconds that it took.
    row["cpu_s"] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    row["commit"] = commit()
    if options.corpus:
        keep = Path(options.corpus) / target
        keep.mkdir(parents=True, exist_ok=True)
        for path in found.iterdir():
            shutil.copy(path, keep)
    if options.grow and not status:
        row["kept"] = grow(target, options, folder)
    return row


def run(target: str, arguments: list[str], options: argparse.Namespace) -> tuple[int, str]:
    """The exit status of a process that fuzzes, and what it said."""
    plain = ["--plain"] if options.plain else []
    command = [sys.executable, str(Path(__file__).resolve()), "--inside", target, *plain, "--", *arguments]
    environment = dict(os.environ)
    if os.path.isdir("/dev/shm"):  # a body of its own file for many inputs, and no disk is needed for any
        environment["TMPDIR"] = "/dev/shm"
    lines = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if options.verbose:
                print(line, end="", flush=True)
    return process.returncode, "".join(lines)


def row_of(target: str, status: int, log: str) -> dict[str, Any]:
    """What libFuzzer said, as figures."""
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", log))
    lines = _STATUS.findall(log)
    last = lines[-1] if lines else ("0", "0", "0", "0", "", "", "")
    broken = _ARTIFACT.findall(log) if status else []
    row: dict[str, Any] = {
        "target": target,
        "commit": "",
        "executions": int(stats.get("number_of_executed_units", last[0])),
        "edges": int(last[1]),
        "features": int(last[2]),
        "corpus": int(last[3]),
        "per_second": int(stats.get("average_exec_per_sec", 0)),
        "slowest_s": int(stats.get("slowest_unit_time_sec", 0)),
        "peak_mb": int(stats.get("peak_rss_mb", 0)),
        "crashes": len(broken) or int(bool(status)),
    }
    if status:
        row["status"] = status
        row["artifacts"] = broken
        said = log.split("=== Uncaught Python exception: ===")[-1] if "=== Uncaught" in log else log[-4000:]
        row["said"] = said[:6000]
    return row


def grow(target: str, options: argparse.Namespace, folder: Path) -> int:
    """Take into the corpus, of all there is now, the files that show the most; how many it holds then.

    libFuzzer writes of each file which edges and features it reaches. Edges count before features, and small files
    before large ones.
    """
    control = folder / "merge"
    found = [path for source in ("corpus", "found") for path in sorted((folder / source).iterdir())]
    files = [str(path) for path in sorted(found, key=lambda path: path.stat().st_size)]
    control.write_text("\n".join([str(len(files)), "0", *files, ""]), "utf-8")
    # The inner half of libFuzzer's merge. The outer one would start programs by their names, and this is none.
    arguments = ["-merge_inner=2", f"-merge_control_file={control}", f"-max_len={LONGEST[target]}"]
    run(target, [*arguments, f"-timeout={options.timeout}", f"-rss_limit_mb={options.memory}"], options)
    chosen = choose(control.read_text("utf-8"))
    kept = {path.name: path.read_bytes() for path in seeds(target) if path.name.startswith("crash-")}
    for name in chosen[: FILES_MOST - len(kept)]:
        octets = Path(name).read_bytes()
        kept.setdefault(hashlib.sha1(octets).hexdigest(), octets)
    home = CORPUS / target
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for name, octets in kept.items():
        (home / name).write_bytes(octets)
    return len(kept)


def choose(control: str) -> list[str]:
    """The files by what they add, the best first, of what libFuzzer wrote while it merged."""
    lines = control.split("\n")
    names = lines[2 : 2 + int(lines[0])]  # the smallest first, so that what is reached first is reached by a small one
    reached: list[set[tuple[str, str]]] = [set() for _ in names]
    sizes = [0] * len(names)
    for line in lines[2 + len(names) :]:
        kind, _, rest = line.partition(" ")
        if kind == "STARTED":
            number, size = map(int, rest.split())
            sizes[number] = size
        elif kind in ("FT", "COV"):
            first, *marks = rest.split()
            reached[int(first)].update((kind, mark) for mark in marks)
    chosen: list[int] = []
    for kinds in (("COV",), ("COV", "FT")):
        covered = {mark for number in chosen for mark in reached[number]}
        left = {number: {mark for mark in marks if mark[0] in kinds} - covered for number, marks in enumerate(reached)}
        while left and len(chosen) < FILES_MOST:
            best = max(left, key=lambda number: (len(left[number]) / (200 + sizes[number]), -sizes[number]))
            added = left.pop(best)
            if not added:
                break
            if sizes[best] <= FILE_MOST and best not in chosen:
                chosen.append(best)
            left = {number: rest for number, marks in left.items() if (rest := marks - added)}
    return [names[number] for number in chosen]


# -- what is said of it

COLUMNS = (
    ("target", "target"),
    ("commit", "commit"),
    ("executions", "executions"),
    ("edges", "edges"),
    ("features", "features"),
    ("corpus", "corpus"),
    ("exec/s", "per_second"),
    ("crashes", "crashes"),
    ("peak MB", "peak_mb"),
)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table of Markdown."""
    lines = [
        "| " + " | ".join(title for title, _ in COLUMNS) + " |",
        "|" + "---|" * 2 + "---:|" * (len(COLUMNS) - 2),
    ]
    for row in rows:
        cells = [f"{row[key]:,}" if isinstance(row[key], int) else str(row[key]) for _, key in COLUMNS]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def show_crash(row: dict[str, Any]) -> None:
    """The input that broke something, and how, for a person."""
    print(f"\n{row['target']}: process ended with {row['status']}\n{row['said'].strip()}")
    for name in row["artifacts"]:
        print(f"\nthe input is {name}:")
        for line in Path(name).read_bytes()[:4000].split(b"\n"):
            print(f"  {ascii(line.decode('latin-1'))[1:-1]}")
        print(f"again: {sys.executable} tests/fuzz/targets.py {row['target']} {name}")


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("target", nargs="*", help="what to fuzz")
    parser.add_argument("--all", action="store_true", help="all targets, one after the other")
    parser.add_argument("--runs", type=int, default=0, help="executions of each target")
    parser.add_argument("--seconds", type=int, default=0, help="seconds for each target")
    parser.add_argument("--seed", type=int, default=1, help="libFuzzer's seed; 0 for another one each time")
    parser.add_argument("--corpus", help="a folder with more inputs, by target; what is found goes there too")
    parser.add_argument("--artifacts", default=os.path.join(tempfile.gettempdir(), "mm7-fuzz"), help="for what breaks")
    parser.add_argument("--timeout", type=int, default=TIMEOUT, help="seconds that one input may take")
    parser.add_argument("--memory", type=int, default=MEMORY, help="megabytes that a process may take")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument("--grow", action="store_true", help="take what was found into the corpus of the repository")
    parser.add_argument("--plain", action="store_true", help="libFuzzer's own mutations only")
    parser.add_argument("--verbose", action="store_true", help="show all that libFuzzer says")
    options = parser.parse_args(arguments)
    known = targets()
    if options.all == bool(options.target) or not set(options.target) <= set(known):
        parser.error(f"name targets, or --all: {', '.join(known)}")
    options.target = known if options.all else options.target
    if not options.runs and not options.seconds:
        options.seconds = 60
    return options


def main() -> int:
    """Run, or be run."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--inside"]:
        split = arguments.index("--")
        fuzz(arguments[1], arguments[split + 1 :], plain="--plain" in arguments[:split])
    options = options_of(arguments)
    rows = []
    for target in options.target:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(drive(target, options, Path(folder) / target))
        if options.json:
            Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    print(table(rows))
    for row in rows:
        if row["crashes"]:
            show_crash(row)
    return 1 if any(row["crashes"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
