"""The page of the study of informative objects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gapcam.data.sun_objects import SunObjects
from gapcam.study.bench import Bench
from gapcam.study.drawing import save
from gapcam.study.objects.informative import Looked, Ranked, Rule, Scene
from gapcam.study.objects.pictures import draw_bars, draw_example
from gapcam.study.objects.tables import paper_sheets
from gapcam.study.outcome import Section, Sheet, Shown
from gapcam.viz.findings import spread

_REGIONS = {
    "max": "where the map is above {level:.0%} of its maximum",
    "share": "the {level:.0%} of the picture where the map is highest",
}
_OVERLAPS = {
    "object": "{least:.0%} or more of it lies in that region",
    "region": "it covers {least:.0%} or more of that region",
    "iou": "the two have an intersection over union of {least:.2f} or more",
}
_RANKINGS = {
    "overlap": "overlap, where it is",
    "pictures": "overlap; by pictures with both",
    "above_chance": "overlap; by its distance to chance",
}


@dataclass(frozen=True)
class Report:
    """What the page tells: the scenes, and the settings that decided what counts."""

    scenes: Sequence[Scene]
    rule: Rule
    rank_by: str
    least: int
    top: int
    only_right: bool

    def best(self, scene: Scene) -> list[Ranked]:
        """A scene's most informative objects; those that never overlap are not informative."""
        return [one for one in scene.informative[: self.top] if one.overlap]

    def headline(self) -> str:
        """The most informative object of each scene, in a sentence."""
        first = [(scene.name, self.best(scene)[:1]) for scene in self.scenes]
        words = [f"{scene}: {best[0].name}" for scene, best in first if best]
        if not words:
            return "No object that is frequent enough to rank overlaps with high activation"
        return f"Most informative object of each scene: {'; '.join(words)}"

    def definitions(self) -> list[str]:
        """What the numbers mean, a paragraph each."""
        rule = self.rule
        region = _REGIONS[rule.region].format(level=rule.level)
        overlap = _OVERLAPS[rule.overlap].format(least=rule.least)
        whose = "right guesses" if self.only_right else "all guesses"
        return [
            f"A linear SVM a scene guesses each picture's scene, and the map of the guess shows "
            f"where that comes from. The region of high activation is {region}. An object overlaps "
            f"with it if {overlap}. Objects of the same name in a picture count as one.",
            f"Frequency: the share of the scene's pictures that have the object. Overlap: of the "
            f"pictures that have it, with {whose} alone, the share in which it overlaps. Objects "
            f"judged in fewer than {self.least} pictures do not rank.",
            "By chance: the overlap with the same region moved to any other place of the picture, "
            "or with a rectangle of its size in the centre, whichever is more. A large object "
            "overlaps with little or with everything wherever one looks; what is above chance "
            "says something about the network.",
        ]


def sections(
    bench: Bench, report: Report, paper: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> list[Section]:
    """The sections of the page; draws their pictures."""
    return [
        Section(
            "Most frequent and most informative objects",
            text=report.definitions(),
            sheets=[_overview(report)],
            pictures=[_bars(bench, report, scene) for scene in report.scenes],
        ),
        *_beside_paper(report, paper),
        *(
            Section(
                scene.name,
                sheets=[_ranking(report, scene)],
                pictures=list(_examples(bench, report, scene)),
            )
            for scene in report.scenes
        ),
    ]


def _overview(report: Report) -> Sheet:
    rows = []
    for scene in report.scenes:
        right = sum(one.guess == one.picture.label for one in scene.looked)
        regions = [one.region for one in scene.looked if one.counts]
        frequent, best = scene.objects[:1], report.best(scene)[:1]
        rows.append(
            [
                *(scene.name, len(scene.looked), right / max(len(scene.looked), 1)),
                sum(regions) / len(regions) if regions else None,
                *([frequent[0].name, frequent[0].frequency] if frequent else ["", None]),
                *([best[0].name, best[0].overlap, best[0].chance] if best else ["", None, None]),
            ]
        )
    return Sheet(
        [
            *("scene", "pictures", "guessed right", "size of the region", "most frequent"),
            *("share", "most informative", "overlap", "by chance"),
        ],
        rows,
    )


def _ranking(report: Report, scene: Scene) -> Sheet:
    """The most frequent and the most informative objects, side by side."""
    frequent, best = scene.objects[: report.top], report.best(scene)
    rows = []
    for place in range(max(len(frequent), len(best))):
        row: list[object] = [place + 1]
        row += (
            [frequent[place].name, frequent[place].frequency]
            if place < len(frequent)
            else ["", None]
        )
        if place < len(best):
            one = best[place]
            row += [one.name, one.overlap, one.chance, one.above, one.judged]
        else:
            row += ["", None, None, None, None]
        rows.append(row)
    return Sheet(
        [
            *("", "most frequent", "share", "most informative", "overlap", "by chance"),
            *("above chance", "judged in"),
        ],
        rows,
    )


def _beside_paper(
    report: Report, paper: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> Iterator[Section]:
    sheets = [
        sheet
        for scene in report.scenes
        if scene.name in paper
        for sheet in paper_sheets(scene, paper[scene.name])
    ]
    if sheets:
        yield Section(
            "Beside the published numbers",
            text=["A dash: no object of that name was judged here, or in too few pictures."],
            sheets=sheets,
        )


def _bars(bench: Bench, report: Report, scene: Scene) -> Shown:
    frequent, best = scene.objects[: report.top], report.best(scene)
    picture = draw_bars(scene.name, frequent, best, _RANKINGS[report.rank_by])
    words = f"{scene.name}: most frequent and most informative objects"
    return save(bench, f"bars-{_file_name(scene.name)}", picture, words)


def _examples(bench: Bench, report: Report, scene: Scene) -> Iterator[Shown]:
    """Pictures with informative objects, evenly spread over those that count."""
    data = bench.data
    assert isinstance(data, SunObjects)
    names = [one.name for one in report.best(scene)]
    fitting = [one for one in scene.looked if one.counts and set(names) & set(one.picture.objects)]
    most = max(1, bench.gallery // max(len(report.scenes), 1))
    for number, place in enumerate(spread(len(fitting), most), start=1):
        one = fitting[place]
        dataset = getattr(data, one.picture.split)
        words = f"{data.class_names[one.guess]}; of high activation: {one.region:.0%}"
        drawn = draw_example(dataset.picture(one.picture.row), one, names, report.rule, words)
        name = f"{_file_name(scene.name)}-{number:02d}-{one.picture.split}-{one.picture.row}"
        yield save(bench, name, drawn, _caption(one, names, dataset.name(one.picture.row)))


def _caption(one: Looked, names: Sequence[str], file: str) -> str:
    inside = [
        f"{found.name} {found.inside:.2f}"
        for found in one.judged
        if found.name in names and found.inside is not None
    ]
    return f"Overlap: {', '.join(inside)} · {file}"


def _file_name(scene: str) -> str:
    return scene.replace(" ", "_")
