"""The bundle: all that is needed to score, in a folder of text files.

    model.txt linear.json calibration.json   the model (models.model)
    judged_*                                 the one that was judged: it never learned the rows judged on
    features.json                            feature set, vocabulary, and the fingerprint they were made with
    policy.json contract.toml                the decision, and the definition of ready
    report.json card.json reference.parquet  how good it was, who made it, and the rows it was made for
    golden.json                              rows with their exact readiness
    manifest.json                            sha256 and size of each; the bundle id is its own sha256

``models.folder`` writes and reads the bytes. What was hashed is what is parsed here.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.clock import format_duration
from data.contract import Contract, parse_contract
from data.errors import BundleError, ContractError
from features.feature_set import FeatureSet
from features.online import OnlineEngine
from features.vocabulary import Vocabulary
from models.folder import read_folder, write_folder
from models.golden import Golden, score_rows
from models.model import FILES as MODEL_FILES
from models.model import ReadinessModel
from models.policy import Policy

if TYPE_CHECKING:
    import pyarrow as pa

JUDGED = "judged_"
"""How the files of the judged model begin."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle in memory. ``reference`` is the Parquet file's bytes."""

    model: ReadinessModel
    feature_set: FeatureSet
    vocabulary: Vocabulary
    contract: Contract
    policy: Policy
    card: dict[str, Any]
    report: dict[str, Any]
    golden: Golden
    bundle_id: str
    reference: bytes = field(repr=False)
    judged_files: Mapping[str, bytes] = field(repr=False, default_factory=dict)

    @cached_property
    def judged(self) -> ReadinessModel:
        """The model that was judged, which has learned nothing from the split on. Raises BundleError when it is none.

        Where nothing was learned anew after the judgement it is the model that serves.
        """
        return _judged_of(self.model, self.judged_files)

    @property
    def horizon_names(self) -> tuple[str, ...]:
        """The horizons as text, such as ``30d``."""
        return tuple(format_duration(horizon) for horizon in self.model.horizons)

    @property
    def deciding(self) -> int:
        """The place among the horizons of the readiness that the policy looks at."""
        return self.model.horizons.index(self.policy.horizon or self.model.primary)

    def reference_rows(self) -> "pa.Table":
        """The reference rows. Imports pyarrow, which scoring does not need."""
        import pyarrow.parquet as pq  # noqa: PLC0415  see above

        return pq.read_table(io.BytesIO(self.reference))

    def check_golden(self) -> None:
        """Score the golden rows in this process. Raises BundleError unless each is the same to the last bit."""
        engine = OnlineEngine(self.feature_set, self.vocabulary)
        self.golden.check(score_rows(self.model, engine, self.golden.leads, self.golden.cutoffs))


def write_bundle(
    folder: Path,
    *,
    model: ReadinessModel,
    judged: ReadinessModel | None = None,
    feature_set: FeatureSet,
    vocabulary: Vocabulary,
    contract_text: str,
    policy: Policy,
    card: Mapping[str, Any],
    report: Mapping[str, Any],
    reference: "pa.Table",
    golden: Golden,
) -> str:
    """Write a bundle to ``folder``, in the place of one that is there; returns the bundle id.

    ``judged`` is the model of the report's figures, where that is not ``model`` itself.

    What is written is first read back from its own bytes and must score the golden rows to the last bit. Raises
    BundleError when it does not, when the parts do not fit each other, or when the folder cannot take it.
    """
    files = {
        **model.to_files(),
        **{JUDGED + name: text for name, text in (judged or model).to_files().items()},
        "features.json": _features_json(feature_set, vocabulary),
        "policy.json": policy.to_json(),
        "contract.toml": contract_text.encode(),
        "report.json": _json(report),
        "reference.parquet": _parquet(reference),
        "card.json": _json(card),
        "golden.json": golden.to_json(),
    }
    written = parse_bundle(files, "", folder)
    written.check_golden()
    _check_fit(replace(written, model=written.judged))
    return write_folder(folder, files)


def read_bundle(folder: Path, expect_id: str | None = None) -> Bundle:
    """The bundle at ``folder``, checked file by file; ``expect_id`` pins it to an id that was kept elsewhere.

    The golden rows are not scored: ``check_golden`` does that here, ``models.canary`` in a process of its own.
    Raises BundleError.
    """
    files, bundle_id = read_folder(folder, expect_id)
    return parse_bundle(files, bundle_id, folder)


def parse_bundle(files: Mapping[str, bytes], bundle_id: str, folder: Path) -> Bundle:
    """The bundle of files that ``models.folder`` has read; its contract lies in ``folder``. Raises BundleError."""
    feature_set, vocabulary = _read_features(files["features.json"])
    bundle = Bundle(
        ReadinessModel.from_files({name: files[name] for name in MODEL_FILES}),
        feature_set,
        vocabulary,
        _read_contract(files["contract.toml"], folder),
        Policy.from_json(files["policy.json"]),
        _read_object(files, "card.json"),
        _read_object(files, "report.json"),
        Golden.from_json(files["golden.json"]),
        bundle_id,
        files["reference.parquet"],
        {name: files[JUDGED + name] for name in MODEL_FILES},
    )
    _check_fit(bundle)
    return bundle


def _check_fit(bundle: Bundle) -> None:
    """Parts that are whole and yet of different bundles are found here."""
    model, ready = bundle.model, bundle.contract.ready
    if model.features != len(bundle.feature_set):
        raise BundleError(
            f"The model has {model.features} features, features.json {len(bundle.feature_set)}. Expected as many. "
            "The files are of different bundles: take the bundle from its registry again."
        )
    if (model.horizons, model.primary) != (ready.horizons, ready.primary):
        raise BundleError(
            f"The model answers for {bundle.horizon_names}, contract.toml asks for "
            f"{tuple(format_duration(horizon) for horizon in ready.horizons)}. Expected the same horizons and primary. "
            "The files are of different bundles: take the bundle from its registry again."
        )
    if bundle.policy.horizon is not None and bundle.policy.horizon not in model.horizons:
        raise BundleError(
            f"policy.json decides by a horizon of {format_duration(bundle.policy.horizon)}, the model answers for "
            f"{bundle.horizon_names}. Expected one of these: take the bundle from its registry again."
        )


def _judged_of(model: ReadinessModel, files: Mapping[str, bytes]) -> ReadinessModel:
    return model if not files or model.to_files() == files else ReadinessModel.from_files(files)


def _features_json(feature_set: FeatureSet, vocabulary: Vocabulary) -> bytes:
    content = {
        "fingerprint": feature_set.fingerprint,
        "feature_set": json.loads(feature_set.to_json()),
        "vocabulary": json.loads(vocabulary.to_json()),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _read_features(text: bytes) -> tuple[FeatureSet, Vocabulary]:
    try:
        content = json.loads(text)
        if content.keys() != {"fingerprint", "feature_set", "vocabulary"}:
            raise ValueError(f"its keys are {sorted(content)}")
        parts = [json.dumps(content[name]) for name in ("feature_set", "vocabulary")]
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise BundleError(f"features.json cannot be read: {error}. Take the bundle from its registry again.") from None
    feature_set, vocabulary = FeatureSet.from_json(parts[0]), Vocabulary.from_json(parts[1])
    if feature_set.fingerprint != content["fingerprint"]:
        raise BundleError(
            f"The features have the fingerprint {feature_set.fingerprint[:12]} here. Expected "
            f"{str(content['fingerprint'])[:12]}, which the model was trained on: this version of Readiness reads "
            "their definitions otherwise. Serve with the version that trained the bundle, or train again."
        )
    return feature_set, vocabulary


def _read_contract(text: bytes, folder: Path) -> Contract:
    try:
        return parse_contract(text.decode(), folder, "contract.toml")
    except (ContractError, UnicodeDecodeError) as error:
        raise BundleError(f"The bundle's contract cannot be read: {error} Train again with this version.") from None


def _read_object(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        content = json.loads(files[name])
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name} cannot be read: {error}. Take the bundle from its registry again.") from None
    if not isinstance(content, dict):
        raise BundleError(f"{name} holds no object. Take the bundle from its registry again.")
    return content


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    """``value`` with NumPy's numbers as Python's, and NaN and infinities as null: JSON has none."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not isfinite(value) else value


def _parquet(table: "pa.Table") -> bytes:
    import pyarrow.parquet as pq  # noqa: PLC0415  scoring imports this module and needs no pyarrow

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
