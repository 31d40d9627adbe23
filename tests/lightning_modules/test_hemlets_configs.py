"""Every configuration of HEMlets is read by the real command line; Table 4's and Fig. 9's settings are in reach."""

import pytest

from lightning_modules.hemlets.losses import SUPERVISION
from lightning_modules.hemlets.parts import STATES
from zoo.cli import main
from zoo.documents.resources import list_configs

CONFIGS = [name for name in list_configs() if name.startswith("hemlets/")]
PAPER = {"h36m", "h36m_mpii", "h36m_mpii_fbi", "h36m_mpii_ordinal", "h36m_mpii_fbi_ordinal", "humaneva", "surreal"}
PAPER |= {"up3d", "pw3d", "mpi_inf_3dhp", "lsp_parts"}


def test_every_training_of_the_paper_has_a_configuration():
    assert {name.partition("/")[2] for name in CONFIGS} == PAPER | {"lsp", "open", "open_tiny", "open_ablation"}


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_are_read(name, capsys):
    options = ["--model.losses.supervision", next(iter(SUPERVISION)), "--model.network.encoding", next(iter(STATES))]
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--config", name, *options, "--print_config"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "skeleton: h36m18" in shown or name in ("hemlets/humaneva", "hemlets/open_ablation")
    assert f"supervision: {options[1]}" in shown
