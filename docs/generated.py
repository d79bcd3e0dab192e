"""What the scripts share that write a document: the command line, by which they write it or check it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(document: Path, text: str) -> int:
    """Write ``text`` into the document, or say whether it is what is there."""
    parser = argparse.ArgumentParser(description=f"Writes docs/{document.name}.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if it is not as it would be written")
    if not parser.parse_args().check:
        document.write_text(text, encoding="utf-8", newline="\n")
    elif not document.is_file() or document.read_bytes() != text.encode():
        print(f"{document} is not what {Path(sys.argv[0]).name} writes", file=sys.stderr)
        return 1
    return 0
