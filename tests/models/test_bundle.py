import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from data.clock import DAY
from data.errors import BundleError
from features.feature_set import FeatureSet
from models.bundle import read_bundle, write_bundle
from models.folder import FILES, MANIFEST, manifest_of
from models.golden import Golden, golden_rows

LEAD = {"lead_id": "a", "created_at": 0, "attributes": {}, "account_attributes": {}, "changes": [], "events": []}
ROWS = [{"lead": LEAD, "cutoff": 1, "expected": [0.1] * width} for width in (1, 2)]
RAGGED = json.dumps({"version": 1, "rows": ROWS}).encode()


def _reseal(folder):
    """A manifest for whatever the files hold now, as someone would write who changes a bundle on purpose."""
    (folder / MANIFEST).write_bytes(manifest_of({name: (folder / name).read_bytes() for name in FILES}))


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_bundle_read_is_the_bundle_written(made, bundle_folder):
    """What is read back scores to the last bit like the fitted model, and holds every part."""
    found = read_bundle(bundle_folder)
    assert np.array_equal(found.model.predict(made.matrix), made.parts["model"].predict(made.matrix))
    assert np.array_equal(found.model.explain(made.matrix), made.parts["model"].explain(made.matrix))
    for part in ("feature_set", "vocabulary", "policy", "golden", "report"):
        assert getattr(found, part) == made.parts[part]
    assert found.card == {"trained_at": "2025-06-01T00:00:00Z", "rate": 0.25, "nothing": None}
    assert found.contract.text == made.parts["contract_text"]
    assert found.horizon_names == ("30d", "90d")
    for name, column in zip(made.parts["feature_set"].names, found.reference_rows(), strict=True):
        np.testing.assert_array_equal(column, made.parts["reference"][name])


def test_the_id_is_the_hash_of_the_manifest(made, tmp_path):
    """The same parts have the same id wherever they are written; another policy has another."""
    first = write_bundle(tmp_path / "one", **made.parts)
    assert first == write_bundle(tmp_path / "two" / "deep", **made.parts)
    assert first == hashlib.sha256((tmp_path / "one" / MANIFEST).read_bytes()).hexdigest()
    assert read_bundle(tmp_path / "one", expect_id=first).bundle_id == first
    other = {**made.parts, "policy": replace(made.parts["policy"], threshold=0.3)}
    assert write_bundle(tmp_path / "three", **other) != first
    with pytest.raises(BundleError, match=f"Expected {first}"):
        read_bundle(tmp_path / "three", expect_id=first)


def test_a_bundle_takes_the_place_of_a_bundle(made, bundle_folder):
    """A new bundle replaces the old one whole and leaves nothing beside it."""
    other = {**made.parts, "policy": replace(made.parts["policy"], threshold=0.3)}
    write_bundle(bundle_folder, **other)
    assert read_bundle(bundle_folder).policy.threshold == 0.3
    assert _names(bundle_folder.parent) == ["bundle"]


def test_nothing_else_is_replaced(made, tmp_path):
    """A folder with other things in it, a file and a link are left alone."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "work")
    for name in ("work", "file", "link"):
        with pytest.raises(BundleError, match="Choose another"):
            write_bundle(tmp_path / name, **made.parts)
    assert (tmp_path / "work" / "thesis.txt").read_text() == "years"
    assert _names(tmp_path) == ["file", "link", "work"]


def test_a_failed_write_leaves_the_old_bundle(made, bundle_folder, monkeypatch):
    """When the disk fails at any flush, the old bundle stays whole and no scratch is left."""
    before = read_bundle(bundle_folder).bundle_id
    for failing in range(len(FILES) + 2):
        calls = iter(range(100))
        real = os.fsync

        def fsync(descriptor, calls=calls, failing=failing, real=real):
            if next(calls) == failing:
                raise OSError(28, "No space left on device")
            real(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(BundleError, match="cannot be written"):
            write_bundle(bundle_folder, **{**made.parts, "policy": replace(made.parts["policy"], threshold=0.3)})
        monkeypatch.setattr(os, "fsync", real)
        assert read_bundle(bundle_folder).bundle_id == before
        assert _names(bundle_folder.parent) == ["bundle"]


def test_a_bundle_that_cannot_reproduce_itself_is_not_written(made, tmp_path):
    """Golden rows of another model are found out before anything is written."""
    golden = made.parts["golden"]
    wrong = replace(golden, expected=((0.5, 0.5), *golden.expected[1:]))
    with pytest.raises(BundleError, match="1 of 20 golden rows"):
        write_bundle(tmp_path / "bundle", **{**made.parts, "golden": wrong})
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_one_changed_byte_is_found(bundle_folder, name):
    """A single flipped bit in any file is a BundleError that says what to do."""
    path = bundle_folder / name
    text = bytearray(path.read_bytes())
    text[len(text) // 2] ^= 1
    path.write_bytes(text)
    with pytest.raises(BundleError, match="registry") as caught:
        read_bundle(bundle_folder)
    # a manifest that changed in the middle of a hash speaks of the file that it is of
    assert any(one in str(caught.value) for one in ((*FILES, MANIFEST) if name == MANIFEST else (name,)))


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_named(bundle_folder, name):
    """A bundle without one of its files is a BundleError that names it."""
    (bundle_folder / name).unlink()
    with pytest.raises(BundleError, match=f"lacks 1 of {len(FILES) + 1} files \\(first: {name}\\)"):
        read_bundle(bundle_folder)


def test_foreign_files_and_links_are_refused(bundle_folder, tmp_path):
    """More files than a bundle has, links instead of files, pipes and folders are refused."""
    (bundle_folder / "model.pkl").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"1 files that do not belong to it \(first: 'model.pkl'\)"):
        read_bundle(bundle_folder)
    (bundle_folder / "model.pkl").unlink()
    card = bundle_folder / "card.json"
    card.rename(tmp_path / "card.json")
    for make in (lambda: card.symlink_to(tmp_path / "card.json"), card.mkdir, lambda: os.mkfifo(card)):
        make()
        with pytest.raises(BundleError, match=r"card\.json of the bundle cannot be read"):
            read_bundle(bundle_folder)
        card.rmdir() if card.is_dir() else card.unlink()


def test_a_manifest_that_names_other_paths_is_refused(bundle_folder):
    """A manifest cannot lead outside the folder: it names exactly the files of a bundle."""
    content = json.loads((bundle_folder / MANIFEST).read_text())
    content["files"]["../policy.json"] = content["files"].pop("policy.json")
    (bundle_folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(BundleError, match="names other files"):
        read_bundle(bundle_folder)


def test_too_large_files_are_refused(bundle_folder, monkeypatch):
    """A file above the bound is not read to its end."""
    monkeypatch.setattr("models.folder.MAX_FILE", 1000)
    with pytest.raises(BundleError, match="more than 1000 bytes"):
        read_bundle(bundle_folder)


def test_no_bundle_at_all(tmp_path):
    """A folder that is not there is a BundleError, not a traceback."""
    with pytest.raises(BundleError, match="There is no bundle"):
        read_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("features.json", b"{}", "features.json cannot be read"),
        ("features.json", b"[" * 100_000, "features.json cannot be read"),
        ("policy.json", b"{}", "no policy"),
        ("contract.toml", b"[ready", "contract cannot be read"),
        ("contract.toml", b"\xff", "contract cannot be read"),
        ("report.json", b"[]", "holds no object"),
        ("card.json", b"{", "card.json cannot be read"),
        ("golden.json", b"{}", "no golden rows"),
        ("golden.json", RAGGED, "no golden rows"),
        ("calibration.json", b"{}", "calibration.json"),
        ("model.txt", b"tree\n\n", "not a LightGBM model"),
    ],
)
def test_resealed_nonsense_is_a_bundle_error(bundle_folder, name, text, complaint):
    """Files that were changed together with the manifest still have to be what they are called."""
    (bundle_folder / name).write_bytes(text)
    _reseal(bundle_folder)
    with pytest.raises(BundleError, match=complaint):
        read_bundle(bundle_folder)


def test_a_policy_decides_by_a_horizon_of_its_model(made, tmp_path):
    """Another horizon than those that the model answers for is refused before anything is written."""
    other = {**made.parts, "policy": replace(made.parts["policy"], horizon=30 * DAY)}
    write_bundle(tmp_path / "bundle", **other)
    assert read_bundle(tmp_path / "bundle").deciding == 0
    wrong = {**made.parts, "policy": replace(made.parts["policy"], horizon=60 * DAY)}
    with pytest.raises(BundleError, match="decides by a horizon of 60d"):
        write_bundle(tmp_path / "wrong", **wrong)
    assert not (tmp_path / "wrong").exists()


def test_parts_of_different_bundles_do_not_fit(made, bundle_folder, tmp_path):
    """Other features, or other horizons, than the model was made for are found out though every file is whole."""
    features = json.loads((bundle_folder / "features.json").read_text())
    fewer = FeatureSet(made.parts["feature_set"].features[:-1])
    (bundle_folder / "features.json").write_text(
        json.dumps({**features, "feature_set": json.loads(fewer.to_json()), "fingerprint": fewer.fingerprint})
    )
    _reseal(bundle_folder)
    with pytest.raises(BundleError, match="different bundles"):
        read_bundle(bundle_folder)
    text = made.parts["contract_text"].replace('"90d"', '"60d"')
    with pytest.raises(BundleError, match=r"contract\.toml asks for"):
        write_bundle(tmp_path / "other", **{**made.parts, "contract_text": text})


def test_another_fingerprint_is_refused(bundle_folder):
    """Features that this version would compute otherwise than the trainer did are refused."""
    features = json.loads((bundle_folder / "features.json").read_text())
    (bundle_folder / "features.json").write_text(json.dumps({**features, "fingerprint": "0" * 64}))
    _reseal(bundle_folder)
    with pytest.raises(BundleError, match="fingerprint"):
        read_bundle(bundle_folder)


def test_golden_rows_keep_every_bit(made):
    """Golden rows read back are the golden rows, and another last bit is another number."""
    golden = made.parts["golden"]
    assert Golden.from_json(golden.to_json()) == golden
    scores = np.array(golden.expected)
    golden.check(scores)
    scores[3, 1] = np.nextafter(scores[3, 1], 1)
    with pytest.raises(BundleError, match=r"1 of 20 golden rows .* row 3"):
        golden.check(scores)
    with pytest.raises(BundleError, match=r"\(20, 2\)"):
        golden.check(scores[:, :1])


def test_golden_rows_of_no_leads(made, tmp_path):
    """A bundle without golden rows is a bundle; there was no lead to take."""
    parts = made.parts
    golden = golden_rows(parts["model"], parts["feature_set"], parts["vocabulary"], [], [])
    write_bundle(tmp_path / "bundle", **{**parts, "golden": golden})
    assert read_bundle(tmp_path / "bundle").golden == golden


def test_reading_and_scoring_imports_no_heavy_library(bundle_folder):
    """A process that reads a bundle and scores with reasons has imported nothing of the trainer, nor pyarrow."""
    script = (
        "import sys; from pathlib import Path\n"
        "from models.bundle import read_bundle; from models.scorer import Scorer\n"
        "scorer = Scorer(read_bundle(Path(sys.argv[1]))); scorer.warm()\n"
        "heavy = 'lightgbm sklearn pandas polars duckdb mlflow pyarrow matplotlib dataframely training'.split()\n"
        "print(sorted(set(heavy) & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script, bundle_folder], capture_output=True, check=False)
    assert found.stdout.strip() == b"[]", found.stderr
