"""``python -m mm7_wsgi``: the command line, which needs the extra ``tools``."""

import sys


def main() -> None:
    """Run the command line and exit, or say what is missing."""
    try:
        from .tools.cli import main as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("click", "rich"):
            raise
        print("the command line needs more packages: pip install 'mm7_wsgi[tools]'", file=sys.stderr)
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
