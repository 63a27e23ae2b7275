import json
import os
import sys

import pytest

from data.errors import BundleError
from models.bundle import read_bundle
from models.canary import check_in_canary, main
from models.folder import FILES, MANIFEST, manifest_of


def test_a_good_bundle_passes(bundle_folder, monkeypatch):
    """The canary answers with the bundle id, also where the working directory has folders called like our rooms."""
    expected = read_bundle(bundle_folder).bundle_id
    (bundle_folder.parent / "models").mkdir()
    (bundle_folder.parent / "models" / "__init__.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(bundle_folder.parent)
    assert check_in_canary(bundle_folder.relative_to(bundle_folder.parent), 60) == expected


def test_other_scores_are_refused(bundle_folder):
    """Golden rows that come out otherwise are told by the canary in the words of the check."""
    content = json.loads((bundle_folder / "golden.json").read_text())
    content["rows"][0]["expected"][0] += 1e-12
    (bundle_folder / "golden.json").write_text(json.dumps(content))
    (bundle_folder / MANIFEST).write_bytes(manifest_of({n: (bundle_folder / n).read_bytes() for n in FILES}))
    with pytest.raises(BundleError, match="1 of 20 golden rows are scored otherwise"):
        check_in_canary(bundle_folder, 60)


def test_damage_is_told(bundle_folder):
    """What the canary finds wrong with the files is what the caller reads."""
    (bundle_folder / "model.txt").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"model\.txt of the bundle .* changed"):
        check_in_canary(bundle_folder, 60)


def _stand_in(tmp_path, monkeypatch, script):
    """An interpreter that runs ``script`` in the place of the canary: a process that really ends so."""
    path = tmp_path / "python"
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "was ended by signal 11"),
        ("import os; os.abort()", "was ended by signal 6"),
        ("raise ImportError('no such library')", "ended with status 1 .*no such library"),
        ("print('hello')", "ended with status 0"),
    ],
)
def test_a_canary_that_dies_is_survived(bundle_folder, tmp_path, monkeypatch, script, complaint):
    """When the process dies in any way, the caller lives and says how it ended."""
    _stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(BundleError, match=complaint):
        check_in_canary(bundle_folder, 60)


def test_a_canary_that_hangs_is_ended(bundle_folder, tmp_path, monkeypatch):
    """A process that does not answer in time is ended, not left behind."""
    mark = tmp_path / "pid"
    _stand_in(
        tmp_path, monkeypatch, f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    with pytest.raises(BundleError, match="did not answer within 2 s"):
        check_in_canary(bundle_folder, 2)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_the_command_says_what_it_found(bundle_folder, capsys):
    """``python -m models.canary`` prints the id with status 0, or one sentence with status 1."""
    assert main([str(bundle_folder)]) == 0
    assert capsys.readouterr().out.strip() == read_bundle(bundle_folder).bundle_id
    assert main([str(bundle_folder / "nowhere")]) == 1
    assert "There is no bundle" in capsys.readouterr().out
