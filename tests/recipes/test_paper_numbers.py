"""The paper's tables, typed once more from the paper, against those in the recipes."""

import pytest

from gapcam.recipes.recipe import Recipe, read_recipe

TABLE_1 = """
VGGnet-GAP       33.4  12.2
GoogLeNet-GAP    35.0  13.2
AlexNet*-GAP     44.9  20.9
AlexNet-GAP      51.1  26.3
GoogLeNet        31.9  11.3
VGGnet           31.2  11.4
AlexNet          42.6  19.5
NIN              41.9  19.6
GoogLeNet-GMP    35.6  13.9
"""
TABLE_2 = """
GoogLeNet-GAP            56.40  43.00
VGGnet-GAP               57.20  45.14
GoogLeNet                60.09  49.34
AlexNet*-GAP             63.75  49.53
AlexNet-GAP              67.19  52.16
NIN                      65.47  54.19
Backprop on GoogLeNet    61.31  50.55
Backprop on VGGnet       61.12  51.46
Backprop on AlexNet      65.17  52.64
GoogLeNet-GMP            57.78  45.26
"""
TABLE_3 = """
GoogLeNet-GAP                42.9  37.1
Backprop                     46.4  -
GoogLeNet, full supervision  26.7  -
OverFeat, full supervision   29.9  -
AlexNet, full supervision    34.2  -
"""
TABLE_4 = """
GoogLeNet-GAP   63.0  67.8  70.5  41.0
Alignments      53.6  -     67.0  -
DPD, parts      -     -     51.0  -
DeCAF+DPD, parts   -  -     65.0  -
PANDA R-CNN, parts  -  -    76.4  -
"""
TABLE_5 = """
fc7 from AlexNet         42.61 56.79 84.23 84.23 87.22 67.23 54.92 94.42
ave pool from GoogLeNet  51.68 66.63 88.02 92.85 92.05 78.99 72.03 95.42
gap from GoogLeNet-GAP   51.31 66.61 88.30 92.21 91.98 78.07 70.62 95.00
"""
POOLING = """
GoogLeNet-GAP, average  35.0  56.40  43.00
GoogLeNet-GMP, max      35.6  57.78  45.26
"""
CUT = """
VGGnet-GAP     33.4  57.20  45.14  -
GoogLeNet-GAP  35.0  56.40  43.00  -
AlexNet-GAP    51.1  67.19  52.16  -
"""


def rows(recipe: Recipe) -> dict[str, list[float | None]]:
    return {row.title: list(row.paper) for row in recipe.rows.values()}


def typed(table: str) -> dict[str, list[float | None]]:
    """Lines of a title, two spaces, and numbers, `-` where the paper has none."""
    lines = [line.partition("  ") for line in table.strip().splitlines()]
    return {
        title: [None if word == "-" else float(word) for word in numbers.split()]
        for title, _, numbers in lines
    }


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("table1_classification", TABLE_1),
        ("table2_localization", TABLE_2),
        ("table3_test_heuristics", TABLE_3),
        ("table4_cub", TABLE_4),
        ("table5_features", TABLE_5),
        ("gap_vs_gmp", POOLING),
        ("trim_depth", CUT),
    ],
)
def test_the_papers_numbers(name: str, table: str) -> None:
    assert rows(read_recipe(name)) == typed(table)


def test_columns_of_the_features() -> None:
    columns = [column.title for column in read_recipe("table5_features").columns.values()]
    assert columns == [
        *("SUN397", "MIT Indoor67", "Scene15", "SUN Attribute"),
        *("Caltech101", "Caltech256", "Action40", "Event8"),
    ]


@pytest.mark.parametrize("name", ["digits", "tiny_imagenet", "squeezenet_ilsvrc"])
def test_small_experiments_are_ours(name: str) -> None:
    assert not any(row.paper for row in read_recipe(name).rows.values())
