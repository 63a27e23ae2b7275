"""A structural check of a LightGBM text model, made before its bytes reach the C library.

LightGBM's parser trusts its input: a wrong count or index in the text reads or writes beyond an array and ends the
process. Here every line is read first by a grammar of our own; what the grammar does not know is refused. The check
covers what can be checked without scoring: header fields, the size of every tree, the length of every array, feature,
child and category indices, trees without cycles, and bounds on all sizes. It does not vouch for the numbers themselves;
for these a bundle has its golden rows.
"""

import re
from dataclasses import dataclass

from data.errors import BundleError
from models.trees import check_tree, count

MAX_BYTES = 256 * 2**20
MAX_TREES = 50_000
MAX_FEATURES = 100_000

_END = b"end of trees\n"
_REQUIRED = {
    b"version",
    b"num_class",
    b"num_tree_per_iteration",
    b"label_index",
    b"max_feature_idx",
    b"feature_names",
    b"feature_infos",
    b"tree_sizes",
}
_OPTIONAL = {b"objective", b"monotone_constraints"}
_NUMBER = rb"-?(?:\d{1,20}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,3})?|inf)"
_VALUES = {
    b"version": re.compile(rb"v[34]"),
    b"num_class": re.compile(rb"1"),
    b"num_tree_per_iteration": re.compile(rb"1"),
    b"label_index": re.compile(rb"0"),
    b"max_feature_idx": re.compile(rb"\d{1,6}"),
    b"objective": re.compile(rb"binary sigmoid:\d{1,6}(?:\.\d{1,17})?|cross_entropy|regression|custom"),
    b"feature_names": re.compile(rb"[^\x00-\x20\x7f]{1,1000}(?: [^\x00-\x20\x7f]{1,1000})*"),
    b"monotone_constraints": re.compile(rb"(?:-1|0|1)(?: (?:-1|0|1))*"),
    b"feature_infos": re.compile(rb"[^\x00-\x20\x7f]+(?: [^\x00-\x20\x7f]+)*"),
    b"tree_sizes": re.compile(rb"\d{1,9}(?: \d{1,9})*"),
}
_INFO = re.compile(rb"none|\[" + _NUMBER + rb":" + _NUMBER + rb"\]|-?\d{1,10}(?::-?\d{1,10})*")


@dataclass(frozen=True)
class Structure:
    """What a checked text holds. ``text`` ends with the trees: parameters of the training run are left out."""

    text: bytes
    features: int
    trees: int


def check_structure(text: bytes) -> Structure:
    """The structure of a LightGBM text model of one score per row.

    Raises BundleError at the first thing that LightGBM itself did not write in this way.
    """
    if len(text) > MAX_BYTES:
        raise _refusal(f"the text has {len(text)} bytes", f"at most {MAX_BYTES}")
    head, separator, rest = text.partition(b"\n\n")
    if not separator:
        raise _refusal("there is no blank line after the header", "a header, a blank line and the trees")
    fields = _header(head)
    features = count(fields[b"max_feature_idx"], 0, MAX_FEATURES - 1, "max_feature_idx") + 1
    for name in (b"feature_names", b"feature_infos", b"monotone_constraints"):
        if name in fields:
            _same_length(name, fields[name], features)
    _check_infos(fields[b"feature_infos"])
    sizes = [int(size) for size in fields[b"tree_sizes"].split(b" ")]
    length = _check_trees(rest, sizes, features)
    return Structure(head + separator + rest[:length] + _END, features, len(sizes))


def _refusal(found: str, expected: str) -> BundleError:
    return BundleError(
        f"model.txt is not a LightGBM model that can be loaded safely: {found}. Expected {expected}. "
        "Restore the bundle from the registry, or train again."
    )


def _header(head: bytes) -> dict[bytes, bytes]:
    """The fields of the header, each checked by its own pattern."""
    lines = head.split(b"\n")
    if lines[0] != b"tree":
        raise _refusal(f"it starts with {lines[0][:40]!r}", "'tree'")
    fields: dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, equals, value = line.partition(b"=")
        if line == b"average_output":
            continue
        if not equals or name in fields or name not in _REQUIRED | _OPTIONAL:
            raise _refusal(f"the header has the line {line[:60]!r}", "each known field once")
        if not _VALUES[name].fullmatch(value):
            raise _refusal(f"{name.decode()} is {value[:60]!r}", "a value that this version of Readiness knows")
        fields[name] = value
    if missing := sorted(_REQUIRED - fields.keys()):
        raise _refusal(f"the header has no {missing[0].decode()}", "every field of the header")
    return fields


def _same_length(name: bytes, value: bytes, features: int) -> None:
    found = value.count(b" ") + 1
    if found != features:
        raise _refusal(f"{name.decode()} has {found} entries", f"{features}, one for each feature")


def _check_infos(value: bytes) -> None:
    for info in value.split(b" "):
        if not _INFO.fullmatch(info):
            raise _refusal(f"feature_infos holds {info[:60]!r}", "none, [low:high] or codes")


def _check_trees(rest: bytes, sizes: list[int], features: int) -> int:
    """Check every tree in ``rest``; returns how many bytes they take."""
    if len(sizes) > MAX_TREES:
        raise _refusal(f"there are {len(sizes)} trees", f"at most {MAX_TREES}")
    start = 0
    for number, size in enumerate(sizes):
        block = rest[start : start + size]
        if len(block) != size or not block.endswith(b"\n\n\n"):
            raise _refusal(f"tree {number} is not {size} bytes long", "the length that tree_sizes names")
        try:
            check_tree(block, number, features)
        except BundleError as error:
            raise _refusal(str(error), "what LightGBM writes") from None
        start += size
    if not rest.startswith(_END, start):
        raise _refusal(f"the {len(sizes)} trees are not followed by 'end of trees'", "as many trees as tree_sizes")
    return start
