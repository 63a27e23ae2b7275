"""``python -m serving.documents [--check] [FOLDER]``: write the generated pages, or say which ones are stale."""

import sys
from pathlib import Path

from serving.documents.pages import COMMAND, PAGES, stale, write_pages


def main(words: list[str]) -> int:
    """Exit 0: written, or all as they should be. Exit 1: some are stale. Exit 2: usage."""
    folders = [word for word in words if word != "--check"]
    if len(folders) > 1 or any(word.startswith("-") for word in folders):
        sys.stderr.write(f"usage: {COMMAND} [--check] [FOLDER]\n")
        return 2
    folder = Path(folders[0] if folders else "docs")
    if "--check" not in words:
        write_pages(folder)
        sys.stdout.write(f"Wrote {', '.join(PAGES)} to {folder}.\n")
        return 0
    if old := list(stale(folder)):
        sys.stderr.write(f"{len(old)} pages in {folder} are not what the code says (first: {old[0]}). Run: {COMMAND}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
