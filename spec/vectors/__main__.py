"""Make the accuracy vectors anew and compare them with the stored ones: `python -m spec.vectors`.

Exits with 1 when a stored file differs from what would be written."""

import argparse
import sys


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m spec.vectors", description=__doc__)
    made.add_argument("--write", action="store_true", help="write gbm_ref/vectors/ anew")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when the stored files are those that would be written."""
    options = parser().parse_args(arguments)
    # Imported late so that --help answers at once.
    from spec.vectors.files import differences, generate, stored, write

    made = generate()
    different = differences(made, stored())
    if options.write and different:
        write(made)
    for name in different:
        print(f"{name}: {'written' if options.write else 'differs'}")
    count = sum(text.count("\n") for name, text in made.items() if name.endswith(".jsonl"))
    print(f"{count} rows of {len(made) - 1} functions")
    return 1 if different and not options.write else 0


if __name__ == "__main__":
    sys.exit(main())
