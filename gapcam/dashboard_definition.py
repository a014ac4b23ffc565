"""A W&B workspace and a W&B report: which panels show what the runs have logged.

Needs the extra `gapcam[dashboard]`. The names of what is logged are those of
`gapcam.callbacks.wandb_panels` and `gapcam.arch.network`.
"""

import json
from typing import Any

import wandb_workspaces.reports.v2.interface as wr
import wandb_workspaces.workspaces as ws
from wandb_workspaces import expr

_EPOCH = "epoch"
_FLOORS = ["val/floor_whole_image", "val/floor_best_centred"]
_TRIM = "arch.trim"
_ERRORS = {
    "test/cls_top1": "classification error, top-1",
    "test/loc_top1": "localization error, top-1",
    "test/loc_gt_known": "localization error, class given",
}
_GRID_WIDTH = 24

TEXTS = {
    "Errors against epoch": "Error rates of the validation split, lower is better. A network that "
    "looks at nothing has the localization errors of the floors: the box around the whole image, "
    "and the best centred box.",
    "Trim depth": "arch.trim takes layers off the end of the network: maps become finer, and the "
    "network may classify worse. Each point is a run; the bars are means over runs, with their "
    "standard deviation.",
    "Where the networks look": "The same pictures after every validation, and pictures of the test "
    "split: heat maps of the best guess, with predicted and true boxes, and the region above the "
    "threshold. Boxes and masks can be switched on and off.",
    "Thresholds and mistakes": "Accuracy over threshold of protocols that try all thresholds, what "
    "is wrong with the best guesses, and which classes are taken for which.",
    "Runs side by side": "Settings that differ, and the pictures of the test one by one.",
}
"""What the report says above its panels, by section; the workspace has the same sections."""


def make_workspace(entity: str, project: str, experiment: str | None) -> ws.Workspace:
    """Define a workspace of all runs of a project, grouped by experiment, or of one experiment."""
    return ws.Workspace(
        entity=entity,
        project=project,
        name=title(experiment),
        sections=[
            ws.Section(name=name, panels=panels, is_open=True)
            for name, panels in _sections().items()
        ],
        settings=ws.WorkspaceSettings(x_axis=_EPOCH, max_runs=50),
        runset_settings=ws.RunsetSettings(
            filters=_only(experiment),
            groupby=[expr.Metric("Group")] if experiment is None else [],
            pinned_columns=[f"summary:{name}" for name in _ERRORS],
        ),
    )


def make_report(entity: str, project: str, experiment: str | None) -> wr.Report:
    """Define a report: each section says in words what its panels show."""
    blocks: list[Any] = []
    for name, panels in _sections().items():
        # Without a project of its own a set of runs is that of the report. Grouped runs would be
        # one point each against the trim depth.
        is_by_run = name == "Trim depth" or experiment is not None
        runs = wr.Runset(
            name=experiment or "all experiments",
            filters=_only(experiment),
            groupby=[] if is_by_run else ["group"],
        )
        blocks += [wr.H2(name), wr.P(TEXTS[name]), wr.PanelGrid(runsets=[runs], panels=panels)]
    return wr.Report(
        entity=entity,
        project=project,
        title=title(experiment),
        description="Written by python -m gapcam.dashboard",
        blocks=blocks,
        width="fluid",
    )


def title(experiment: str | None) -> str:
    """What workspace and report are called."""
    return f"gapcam: {experiment or 'all experiments'}"


def as_json(workspace: ws.Workspace, report: wr.Report) -> str:
    """Both definitions in the library's own serialisation, the form W&B's server takes."""
    parts: dict[str, Any] = {"workspace": workspace, "report": report}
    plain = {
        name: json.loads(part._to_model().model_dump_json(by_alias=True, exclude_none=True))
        for name, part in parts.items()
    }
    return json.dumps(plain, indent=2) + "\n"


def _only(experiment: str | None) -> expr.And | str:
    return "" if experiment is None else expr.And(expr.Metric("Group") == experiment)


def _sections() -> dict[str, list[Any]]:
    panels = _errors(), _trim(), _pictures(), _findings(), _runs()
    return dict(zip(TEXTS, panels, strict=True))


def _errors() -> list[Any]:
    against_epoch: dict[str, list[Any]] = {
        "classification error": ["val/cls_top1", "val/cls_top5"],
        "localization error, top-1, and floors": ["val/loc_top1", *_FLOORS],
        "localization error, class given, and floors": ["val/loc_gt_known", *_FLOORS],
    }
    plots = [
        wr.LinePlot(title=name, x=_EPOCH, y=y, range_y=(0, 1), title_x=_EPOCH)
        for name, y in against_epoch.items()
    ]
    loss = wr.LinePlot(title="training loss", x=_EPOCH, y=["train/loss_epoch"], title_x=_EPOCH)
    return _laid_out([*plots, loss], 12, 8)


def _trim() -> list[Any]:
    points = [
        wr.ScatterPlot(
            title=f"{name} against trim depth",
            x=wr.Config(_TRIM),
            y=wr.SummaryMetric(metric),
            running_ymean=True,
        )
        for metric, name in _ERRORS.items()
    ]
    bars = [
        wr.BarPlot(
            title=f"{name} by trim depth",
            metrics=[metric],
            groupby=wr.Config(_TRIM),
            groupby_aggfunc="mean",
            groupby_rangefunc="stddev",
            orientation="v",
        )
        for metric, name in _ERRORS.items()
    ]
    return _laid_out([*points, *bars], 8, 8)


def _pictures() -> list[Any]:
    return _laid_out(
        [
            wr.MediaBrowser(title=name, media_keys=[key], mode="gallery", gallery_axis="step")
            for name, key in (("validation", "val/cam"), ("test", "test/cam"))
        ],
        24,
        12,
    )


def _findings() -> list[Any]:
    curve = {"x": "threshold", "y": "accuracy", "stroke": "curve"}
    confusion = {name: name for name in ("Actual", "Predicted", "nPredictions")}
    return _laid_out(
        [
            _chart("test/threshold_curve", "wandb/line/v0", curve, "accuracy over threshold"),
            _chart(
                "test/mistakes",
                "wandb/bar/v0",
                {"label": "kind", "value": "share"},
                "the best guesses",
            ),
            _chart(
                "test/confusion",
                "wandb/confusion_matrix/v1",
                confusion,
                "true class and best guess",
            ),
            wr.WeavePanelSummaryTable(table_name="test/confused_pairs"),
        ],
        12,
        10,
    )


def _runs() -> list[Any]:
    metrics: list[Any] = [wr.Config(_TRIM), *map(wr.SummaryMetric, _ERRORS)]
    columns = [wr.ParallelCoordinatesPlotColumn(metric) for metric in metrics]
    return _laid_out(
        [
            wr.RunComparer(diff_only="split"),
            wr.ParallelCoordinatesPlot(columns=columns, title="trim depth and the errors"),
            wr.WeavePanelSummaryTable(table_name="test/images"),
        ],
        24,
        12,
    )


def _chart(key: str, kind: str, fields: dict[str, str], name: str) -> wr.CustomChart:
    """A chart like those that runs log, over the table that goes with it."""
    return wr.CustomChart(
        query={"summaryTable": {"tableKey": f"{key}_table"}},
        chart_name=kind,
        chart_fields=fields,
        chart_strings={"title": name},
    )


def _laid_out(panels: list[Any], width: int, height: int) -> list[Any]:
    """Put panels side by side, and below each other where the page ends."""
    in_a_row = _GRID_WIDTH // width
    for place, panel in enumerate(panels):
        row, column = divmod(place, in_a_row)
        panel.layout = wr.Layout(x=column * width, y=row * height, w=width, h=height)
    return panels
