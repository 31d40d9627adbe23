"""`import zoo` is cheap."""

import subprocess
import sys

CODE = """
import sys, time
start = time.perf_counter()
import zoo
elapsed = time.perf_counter() - start
heavy = sorted({"torch", "pytorch_lightning", "trimesh", "numpy", "rich", "PIL"} & set(sys.modules))
print(elapsed, heavy)
assert sorted(dir(zoo)) == sorted(zoo.__all__)
"""


def test_import_is_quick_and_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    elapsed, heavy = done.stdout.split(maxsplit=1)
    assert heavy.strip() == "[]"
    assert float(elapsed) < 0.5


def test_names_resolve_to_functions_even_after_their_modules_were_imported():
    import zoo
    import zoo.checkpoints.load
    import zoo.prediction.predict

    assert all(callable(getattr(zoo, name)) for name in ("load", "predict", "info", "list_models"))
