"""Every row of every table of the five papers: its commands are read, its stages chain, its network can be built."""

import json
import typing

import pytest
from flat_settings import configs_of

from body.choices import choices
from datamodules.augment import Augmentation
from lightning_modules import get_method
from metrics import PROTOCOLS
from zoo.checkpoints.load import build_model
from zoo.cli import main
from zoo.cli.lightning_arguments import parse_run_options
from zoo.cli.lightning_cli import ZooCLI
from zoo.documents.configs import flatten, merge, nest, read_config
from zoo.documents.resources import find_config
from zoo.errors import ZooError
from zoo.reproduction import plan_row
from zoo.reproduction.plan import Mode
from zoo.reproduction.run import run_plan
from zoo.results.reported import UNSTATED, read_reported

PAPERS = {paper.method: paper for paper in read_reported()}
ROWS = [(paper, table, row) for paper in PAPERS.values() for table in paper.tables for row in table.rows]
KINDS = ("training", "official", "open")
PLANS = [(kind, p, t, plan) for kind in KINDS for p, t, row in ROWS for plan in plan_row(p, t, row, Mode(kind))]
STAGES = {stage.arguments: stage for _, _, _, plan in PLANS for stage in plan.stages}


class ReadOnly(ZooCLI):
    """The real command line up to where it would build something."""

    def before_instantiate_classes(self):
        pass

    def instantiate_classes(self):
        pass

    def _run_subcommand(self, subcommand):
        pass


def value_at(settings, name):
    """What a run would use for an option of the command line."""
    flat = {key.replace(".init_args", ""): value for key, value in flatten(settings).items()}
    return flat.get(name)


def test_every_own_row_is_run_or_says_why_not():
    reasons = {}
    for kind, _, table, plan in PLANS:
        assert bool(plan.stages) != bool(plan.reason), plan.label
        if kind == "training" and plan.row.own and plan.reason:
            reasons.setdefault(table.title, plan.reason)
    assert all(reason.count(".") < 2 or "SMPLify" in reason for reason in reasons.values())
    own = [plan for kind, _, _, plan in PLANS if kind == "training" and plan.row.own]
    assert sum(bool(plan.stages) for plan in own) >= 0.9 * len(own)
    others = [plan for kind, _, _, plan in PLANS if kind == "training" and plan.stages and not plan.row.own]
    assert [plan.stages[0].arguments[:3] for plan in others] == [("data", "fits", "human36m")]


def test_ablations_have_a_small_version():
    """Of every paper; those without one say why."""
    small = {
        (paper.method, table.table) for kind, paper, table, plan in PLANS if kind == "open" and plan.stages
    }  # fmt: skip
    expected = {"i2l_meshnet": "1 2 3 8 9 10 11", "nbf": "1 2 3 4", "danet": "7 8 9 10", "hemlets": "4"}
    expected["cascaded_lifting"] = "4"
    assert small >= {(method, number) for method, numbers in expected.items() for number in numbers.split()}


def test_rows_of_a_table_differ():
    """Two rows with different numbers are never the same commands."""
    for kind in ("training", "open"):
        for paper, table, _ in {(p.method, t.title, t.table): (p, t, 0) for p, t, _ in ROWS}.values():
            commands = {}
            for row in table.rows:
                for plan in plan_row(paper, table, row, Mode(kind)):
                    if plan.stages:
                        commands.setdefault(plan.stages[-1].arguments, []).append(plan.label)
            for labels in commands.values():
                assert len(labels) == 1, (table.title, labels)


def test_official_weights_stand_for_the_rows_they_were_published_for():
    """One network has no two rows of a table: the LSTM's and the other drops' numbers are of weights nobody has."""
    evaluated = {}
    for kind, paper, table, plan in PLANS:
        if kind == "official" and plan.stages:
            chosen = table.recipe_of(plan.row)
            assert not chosen.options, (table.title, plan.label)
            key = (paper.method, table.table, table.title, plan.stages[-1].arguments[:-1])
            assert evaluated.setdefault(key, plan.label) == plan.label
    rows = {(key[0], key[1], label) for key, label in evaluated.items()}
    assert {(number, label) for method, number, label in rows if method == "danet"} == {("4", "DaNet"), ("5", "DaNet")}
    assert ("i2l_meshnet", "6", "I2L-MeshNet, SMPL parameters regressed from the mesh") in rows


def test_a_changed_configuration_is_another_run(monkeypatch):
    """What an older configuration has left is not taken for what the one of today would leave."""
    paper = PAPERS["hemlets"]
    table = next(table for table in paper.tables if table.table == "4")
    folders = []
    for steps in (200, 201):
        settings = {"trainer.max_steps": steps}
        monkeypatch.setattr("zoo.reproduction.plan._settings", lambda _, settings=settings: settings)
        (plan,) = plan_row(paper, table, table.rows[0], Mode("open", 0))
        folders.append(plan.stages[0].folder)
    assert folders[0] != folders[1]


def test_stages_chain():
    """What a stage starts from is what an earlier one of the same row leaves; the test takes the last training's."""
    for _, _, _, plan in PLANS:
        left = set()
        for stage in plan.stages:
            starts = [value for key, value in stage.options.items() if key.endswith(("start_from", "segmenter_from"))]
            assert {str(one) for one in starts} <= left, plan.label
            if stage.arguments[0] == "fit":
                left.add(str(stage.checkpoint))
            elif "--ckpt_path" in stage.arguments:
                assert stage.arguments[stage.arguments.index("--ckpt_path") + 1] in left
        if plan.stages:
            assert plan.stages[-1].arguments[0] == ("test" if plan.stages[-1].config else "data")


def test_augmentation_of_cascaded_lifting_is_the_paper_s():
    """Rotation by at most 30 degrees, mirroring and occlusion, in both stages and on both benchmarks."""
    for name in ("h36m_mpii", "h36m_mpii_lifting", "muco_coco", "muco_coco_lifting"):
        settings = flatten(read_config(find_config(f"cascaded_lifting/{name}")))
        own = {key.rpartition(".")[2]: value for key, value in settings.items() if ".augmentation." in key}
        made = Augmentation(**own)
        assert (made.rotation_degrees, made.flip_probability, made.occlusion_probability) == (30.0, 0.5, 0.5)
        assert made.scale == made.colour == made.photometric_probability == 0


def test_tests_measure_the_table_s_protocol():
    for kind, _, table, plan in PLANS:
        if plan.stages and kind != "open" and table.protocol != UNSTATED:
            assert plan.protocol == table.protocol
        elif plan.stages:
            assert plan.protocol in PROTOCOLS


def together():
    """One training command for each method and set of options' names, with every value's last one.

    Small versions have the same options, and are built below; configurations without options are read elsewhere.
    """
    options = {}
    for stage in STAGES.values():
        if "open" not in stage.config:
            options.setdefault(stage.config, {}).update(stage.options)
    found = {
        (name.partition("/")[0], tuple(sorted(chosen))): (name, chosen) for name, chosen in options.items() if chosen
    }
    return list(found.values())


def test_commands_are_read_and_say_what_the_rows_say(tmp_path, monkeypatch):
    """By the real parser, which is made once: it takes most of the time. Values of choices are in the next test."""
    monkeypatch.chdir(tmp_path)
    parser = None
    for config, chosen in together():
        words = [word for name, value in chosen.items() for word in (f"--{name}", str(value))]
        options = parse_run_options(["fit", "--config", config, *words])
        parser = parser or ReadOnly(options).parser
        settings = parser.parse_args(list(options.arguments)).as_dict()["fit"]
        for name, value in chosen.items():
            assert value_at(settings, name) == value, (config, name)
    tests = [stage for stage in STAGES.values() if stage.arguments[0] == "test"]
    assert all(parse_run_options(list(stage.arguments)).stage == "test" for stage in tests[::20])


def models():
    """(method's class, settings) of all trainings, each once."""
    found = {}
    for stage in STAGES.values():
        if stage.arguments[0] == "fit":
            model = read_config(find_config(stage.config))["model"]
            options = {key.removeprefix("model."): v for key, v in stage.options.items() if key.startswith("model.")}
            settings = merge(model["init_args"], nest({k: v for k, v in options.items() if not k.endswith("_from")}))
            found[json.dumps([model["class_path"], settings], sort_keys=True)] = (model["class_path"], settings)
    return list(found.values())


def test_settings_of_every_network_and_loss_are_possible():
    for path, settings in models():
        kinds = configs_of(get_method(path.split(".")[1]))
        for name in {"network", "losses"} & settings.keys():
            made = kinds[name](**settings[name])
            for field, hint in typing.get_type_hints(kinds[name]).items():
                allowed = [one for one in choices(hint) if one is not None]
                assert not allowed or getattr(made, field) in (*allowed, None), (path, field)


def test_small_networks_are_built():
    """Each of the small versions, which have the switches of the large ones."""
    built = set()
    for path, settings in models():
        method, network = path.split(".")[1], settings.get("network", {})
        if network.get("crop_size") not in (64, 96) or (method, json.dumps(network)) in built:
            continue
        built.add((method, json.dumps(network)))
        given = {key: value for key, value in settings.items() if not key.endswith("_from") and value is not None}
        assert sum(weight.numel() for weight in build_model(method, given).parameters()) < 2e7
    assert len(built) > 40


def test_selected_rows_are_shown(capsys):
    assert main(["reproduce", "i2l_meshnet", "--table", "6"]) == 0
    shown = capsys.readouterr().out
    assert "zoo fit --config i2l_meshnet/h36m_muco_coco --trainer.default_root_dir outputs/reproduce" in shown
    assert "3dpw: MISSING" in shown
    assert "SPIN" in shown.split("not run:")[1]
    assert main(["reproduce", "i2l_meshnet", "--table", "6", "--row", "regressed", "--official"]) == 0
    shown = capsys.readouterr().out
    assert "--weights i2l_meshnet.h36m_muco_coco" in shown
    assert "--model.mesh_from param" in shown
    assert "within 1%" in shown
    assert main(["reproduce", "hemlets", "--table", "4", "--open", "--seeds", "2", "--row", "3D loss"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("zoo fit") == shown.count("zoo test") == 2  # the part with both data sets, two seeds
    assert shown.count("not run: HEMlets PoSh (3D loss): the open benchmark is one data set") == 1
    assert main(["reproduce", "i2l_meshnet", "--table", "13"]) == 0
    shown = capsys.readouterr().out
    assert (
        "zoo data fits human36m --option layout=3dmppe --protocol h36m-p2-17j-64 --results outputs/reproduce" in shown
    )
    assert "human36m: MISSING" in shown
    for words, message in (
        (["reproduce", "nobody"], "no paper of a method 'nobody'"),
        (["reproduce", "nbf", "--table", "9"], "has no table '9'; there are 1, 2, 3, Figure 3, 4, 5, 6"),
        (["reproduce", "nbf", "--row", "none such"], "contains 'none such'"),
        (["reproduce", "nbf", "--seeds", "2"], "for --open"),
    ):
        assert main(words) == 2
        assert message in capsys.readouterr().err


def test_numbers_of_trainings_that_would_never_end(capsys):
    for seeds in ("0", "-1", "1000000000"):
        assert main(["reproduce", "hemlets", "--table", "4", "--open", "--seeds", seeds]) == 2
        assert capsys.readouterr().err == "zoo: --seeds is 1 to 100, and for --open\n"


def test_what_is_missing_is_not_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_ASSETS", str(tmp_path))
    assert main(["reproduce", "hemlets", "--table", "3", "--run"]) == 0
    assert "missing:" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_run_goes_on_where_it_was_cut_off(tmp_path, monkeypatch):
    """What has ended is not repeated, what was cut off goes on from its checkpoint, a failure stops the row."""
    monkeypatch.chdir(tmp_path)
    paper = PAPERS["cascaded_lifting"]
    table = next(table for table in paper.tables if table.table == "4")
    (plan,) = plan_row(paper, table, table.rows[0], Mode("open", 0))
    first, second, test = plan.stages
    calls = []

    def run(arguments):
        calls.append(arguments)
        return 0 if len(calls) != 2 else 3

    with pytest.raises(ZooError, match="ended with status 3"):
        run_plan(plan, run)
    assert [call[:3] for call in calls] == [list(first.arguments[:3]), list(second.arguments[:3])]
    second.checkpoint.parent.mkdir(parents=True)
    second.checkpoint.touch()
    assert run_plan(plan, run) is None
    assert calls[2] == [*second.arguments, "--ckpt_path", str(second.checkpoint)]
    assert calls[3] == list(test.arguments)
    assert run_plan(plan, run) is None
    assert len(calls) == 4
