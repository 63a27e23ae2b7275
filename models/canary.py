"""A bundle is loaded first in a process of its own: whatever it does there, this process lives on.

    python -m models.canary FOLDER

loads the bundle, scores its golden rows, compares them to the last bit and prints the bundle id. LightGBM's parser and
scorer are not memory-safe; the structural check refuses what we know how to refuse, the canary takes the rest.
"""

import subprocess
import sys
from pathlib import Path

from data.errors import BundleError, ReadinessError


def check_in_canary(folder: Path, timeout_s: float = 120.0) -> str:
    """The id of the bundle at ``folder``, which loaded and scored its golden rows in a process of its own.

    Read the bundle with ``expect_id`` set to this id: then what is served is what was checked. Raises BundleError when
    the process refuses, dies, or takes longer than ``timeout_s`` seconds (it is ended then).
    """
    # -P: a folder called models or data in the working directory must not be taken for ours.
    command = [sys.executable, "-P", "-m", "models.canary", str(folder.absolute())]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL)  # noqa: S603  our own module, no shell
    except subprocess.TimeoutExpired:
        raise BundleError(
            f"The bundle at {folder} did not answer within {timeout_s:g} s in its canary process. Expected its golden "
            "rows. Take the bundle from its registry again, or allow more time."
        ) from None
    answer = ran.stdout.decode(errors="replace").strip()
    if ran.returncode == 0 and len(answer) == 64:
        return answer
    raise BundleError(_complaint(folder, ran.returncode, answer, ran.stderr.decode(errors="replace")))


def _complaint(folder: Path, status: int, answer: str, trouble: str) -> str:
    if status == 1 and answer:
        return answer
    end = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    last = trouble.strip().splitlines()[-1:] or ["it said nothing"]
    return (
        f"The canary process that loaded the bundle at {folder} {end} ({last[0][:300]}). Expected the bundle id. The "
        "bundle is damaged, or does not run on this machine: take it from its registry again, or train again."
    )


def main(arguments: list[str]) -> int:
    """Load, score, compare; 0 and the bundle id, or 1 and the sentence that says what is wrong."""
    from models.bundle import read_bundle  # noqa: PLC0415  the parent process must not load what the canary is for

    try:
        bundle = read_bundle(Path(arguments[0]))
        bundle.check_golden()
    except ReadinessError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{bundle.bundle_id}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
