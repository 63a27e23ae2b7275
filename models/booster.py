"""LightGBM's C library through ctypes: load a text model, score rows, explain them. No lightgbm import.

``import lightgbm`` brings scikit-learn and pandas into the process; the shared library alone does not. It is found
through the installed package's location. Rows are summed tree by tree in one order, so
that a row has the same score, bit for bit, whether it comes alone or among millions, on one thread or many.
"""

import ctypes
import sys
import threading
import weakref
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.errors import BundleError, SchemaError
from models import openmp  # noqa: F401 - before the library is loaded
from models.structure import check_structure

Scores = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_RAW = 1
_CONTRIBUTIONS = 3
_TYPES = {np.dtype(np.float32): 0, np.dtype(np.float64): 1}
_MAX_ROWS = 2**31 - 1
_NAMES = {"win32": ("bin/lib_lightgbm.dll", "lib/lib_lightgbm.dll"), "darwin": ("lib/lib_lightgbm.dylib",)}


class Booster:
    """A loaded LightGBM model of one score per row.

    ``text`` is a LightGBM text model (v3 or v4, one class, no linear leaves); it is checked structurally before the C
    library sees it. Raises BundleError when it cannot be loaded. Scoring is safe from many threads at once. Numbers:
    NaN is missing; category features hold their code as a number.
    """

    def __init__(self, text: bytes) -> None:
        structure = check_structure(text)
        self.features = structure.features
        self.trees = structure.trees
        self._handle = _Handle(structure.text)
        self._local = threading.local()

    def raw(self, matrix: Matrix, threads: int = 1) -> Scores:
        """The raw score, float64 (n,), of a C-order float32 or float64 matrix (n, features).

        ``threads=0`` takes all cores. Raises SchemaError when the matrix has another shape, order or type.
        """
        return self._predict(matrix, _RAW, 1, threads).reshape(-1)

    def contributions(self, matrix: Matrix, threads: int = 1) -> Scores:
        """TreeSHAP contributions to the raw score, float64 (n, features + 1); the last column is the expected score.

        Method: Lundberg et al., "From local explanations to global understanding with explainable AI for trees", 2020,
        as LightGBM computes it. A row sums to its raw score up to rounding. Raises SchemaError as ``raw`` does.
        """
        return self._predict(matrix, _CONTRIBUTIONS, self.features + 1, threads)

    def _predict(self, matrix: Matrix, kind: int, width: int, threads: int) -> Scores:
        self._check(matrix)
        rows = matrix.shape[0]
        if rows == 0:
            return np.empty((0, width), np.float64)
        out = np.empty((rows, width), np.float64)
        if rows == 1:
            self._fast(kind, matrix.dtype).predict(matrix, out)
        else:
            self._handle.predict(matrix, kind, threads, out)
        return out

    def _check(self, matrix: Matrix) -> None:
        if (
            matrix.ndim != 2
            or matrix.shape[1] != self.features
            or matrix.dtype not in _TYPES
            or not matrix.flags.c_contiguous
            or matrix.shape[0] > _MAX_ROWS
        ):
            order = "C" if matrix.flags.c_contiguous else "another"
            raise SchemaError(
                f"The matrix is {matrix.dtype} {matrix.shape} in {order} order. Expected float32 or float64 "
                f"(n, {self.features}) in C order. Compute it with the bundle's own feature set."
            )

    def _fast(self, kind: int, dtype: np.dtype[Any]) -> "_Fast":
        """This thread's own single-row configuration; one that is shared takes a lock on every call."""
        found: dict[tuple[int, Any], _Fast] = self._local.__dict__.setdefault("fast", {})
        if (kind, dtype) not in found:
            found[kind, dtype] = _Fast(self._handle, kind, dtype, self.features)
        return found[kind, dtype]


class _Handle:
    """The C library's booster, freed when nothing holds it any more."""

    def __init__(self, text: bytes) -> None:
        library = _library()
        self.pointer = ctypes.c_void_p()
        trees = ctypes.c_int(0)
        _ensure(library.LGBM_BoosterLoadModelFromString(text, ctypes.byref(trees), ctypes.byref(self.pointer)))
        weakref.finalize(self, library.LGBM_BoosterFree, self.pointer)

    def predict(self, matrix: Matrix, kind: int, threads: int, out: Scores) -> None:
        written = ctypes.c_int64(0)
        rows, columns = matrix.shape
        _ensure(
            _library().LGBM_BoosterPredictForMat(
                self.pointer,
                matrix.ctypes.data,
                _TYPES[matrix.dtype],
                rows,
                columns,
                1,
                kind,
                0,
                -1,
                b"num_threads=%d" % threads,
                ctypes.byref(written),
                out.ctypes.data,
            )
        )
        _all_written(written.value, out)


class _Fast:
    """A prepared single-row prediction. Holds its booster, so that it is always freed first."""

    def __init__(self, handle: _Handle, kind: int, dtype: np.dtype[Any], columns: int) -> None:
        library = _library()
        self._handle = handle
        self._call = library.LGBM_BoosterPredictForMatSingleRowFast
        self._pointer = ctypes.c_void_p()
        self._written = ctypes.c_int64(0)
        _ensure(
            library.LGBM_BoosterPredictForMatSingleRowFastInit(
                handle.pointer, kind, 0, -1, _TYPES[dtype], columns, b"num_threads=1", ctypes.byref(self._pointer)
            )
        )
        weakref.finalize(self, library.LGBM_FastConfigFree, self._pointer)

    def predict(self, row: Matrix, out: Scores) -> None:
        _ensure(self._call(self._pointer, row.ctypes.data, ctypes.byref(self._written), out.ctypes.data))
        _all_written(self._written.value, out)


def _all_written(written: int, out: Scores) -> None:
    if written != out.size:
        raise BundleError(
            f"LightGBM wrote {written} numbers. Expected {out.size}: the model has another number of features or "
            "classes than its header says. Restore the bundle from the registry, or train again."
        )


def _ensure(status: int) -> None:
    if status != 0:
        message = _library().LGBM_GetLastError().decode("utf-8", "replace").strip()
        raise BundleError(f"LightGBM refused: {message}. Restore the bundle from the registry, or train again.")


def _library_path() -> Path:
    """Where the installed lightgbm package keeps its shared library."""
    spec = find_spec("lightgbm")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    for name in _NAMES.get(sys.platform, ("lib/lib_lightgbm.so",)):
        if spec and (folder / name).is_file():
            return folder / name
    raise BundleError("The lightgbm package is not installed, or has no shared library. Install lightgbm>=4.6.")


@cache
def _library() -> ctypes.CDLL:
    """The shared library, with the types of the functions that are used here."""
    path = _library_path()
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise BundleError(f"Cannot load {path.name}: {error}. LightGBM needs OpenMP (libgomp); install it.") from None
    pointer, integer, columns, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_int32, ctypes.c_char_p
    options: list[Any] = [integer] * 4
    library.LGBM_GetLastError.restype = text
    library.LGBM_GetLastError.argtypes = []
    library.LGBM_BoosterLoadModelFromString.argtypes = [text, pointer, pointer]
    library.LGBM_BoosterFree.argtypes = [pointer]
    library.LGBM_FastConfigFree.argtypes = [pointer]
    matrix: list[Any] = [pointer, integer, columns, columns]
    library.LGBM_BoosterPredictForMat.argtypes = [pointer, *matrix, *options, text, pointer, pointer]
    library.LGBM_BoosterPredictForMatSingleRowFastInit.argtypes = [pointer, *options, columns, text, pointer]
    library.LGBM_BoosterPredictForMatSingleRowFast.argtypes = [pointer] * 4
    return library
