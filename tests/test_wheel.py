"""The wheel works from any folder, without the checkout."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_wheel_holds_configuration_templates_and_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "gapcam/conf/config.yaml",
        "gapcam/conf/arch/vgg_gap.yaml",
        "gapcam/conf/optim/schedule/step.yaml",
        "gapcam/conf/experiment/digits.yaml",
        "gapcam/conf/hydra/launcher/slurm.yaml",
        "gapcam/viz/report.html.jinja",
        "gapcam/viz/style.css",
        "gapcam/reporting/page.html.jinja",
        "gapcam/reporting/page.css",
        "gapcam/reporting/page.js",
        "gapcam/py.typed",
    } <= names
    assert not any(name.startswith(("tests", "benchmarks", "conf/")) for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["module", "script"])
def test_installed_wheel_runs_from_anywhere(wheel: Path, tmp_path: Path, how: str) -> None:
    """In a virtual environment of its own, which sees this one's third-party packages."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (here,) = {path for path in sys.path if path.endswith("site-packages")}
    (packages / "third_party.pth").write_text(here)
    python = environment / "bin" / "python"
    script = tmp_path / "gapcam"
    script.write_text(f"#!{python}\nfrom gapcam.run import main\nmain()\n")
    script.chmod(0o755)
    command = [python, "-m", "gapcam.run"] if how == "module" else [script]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    settings = ["trainer=debug", "data.counts=[96,20,20]", "arch.units=8", "gallery=3"]
    settings += ["data.batch_size=16", "trainer.enable_progress_bar=false"]
    done = subprocess.run(
        [*command, *settings],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (elsewhere / "runs/small_gap-digits/trim0/seed0/report.html").is_file()
    used = subprocess.run(
        [python, "-c", "import gapcam.config_dir as c; print(c.CONFIG_DIR)"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert used.stdout.strip() == str(packages / "gapcam" / "conf")
