"""Finding trunk, pooling and classifier in a network that somebody else wrote.

The network is traced by torch.fx. Going back from the logits, the node that turns maps into
numbers is the pooling; what lies between it and the logits decides whether activation maps exist.
"""

from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from io import StringIO
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.fx import GraphModule, Node
from torch.fx.passes.shape_prop import ShapeProp
from torchvision.models.feature_extraction import NodePathTracer

from gapcam.errors import UserError

HARMLESS = (
    *("dropout", "dropout2d", "flatten", "identity", "permute", "view", "reshape", "squeeze"),
    *("contiguous", "size", "getitem"),
)
"""Functions and classes, in lower case, that change no number in evaluation."""


class Shapes(NamedTuple):
    """What a node gives for images of one size, and of another where the network takes it."""

    shape: tuple[int, ...]
    other: tuple[int, ...]

    def axis_of_units(self) -> int | None:
        """Which axis of maps counts the units: 1 or 3; None if these are no maps, or unclear.

        Height and width follow the image, the number of units does not. Where only square images
        of one size could be tried, height and width are the two that are equal.
        """
        if len(self.shape) != 4 or max(self.shape[1:3]) == 1 or max(self.shape[2:]) == 1:
            return None
        if self.other:
            same = [a == b for a, b in zip(self.shape[1:], self.other[1:], strict=True)]
            return (
                1 if same == [True, False, False] else 3 if same == [False, False, True] else None
            )
        first, second, third = self.shape[1:]
        if first == second == third:
            return None
        return 1 if second == third else 3 if first == second else None


class Place(NamedTuple):
    """A place where a trunk can end: every later layer sees the network only through it.

    `shape` is `(B, K, h, w)`, or `(B, h, w, K)` where `units_last`.
    """

    name: str
    shape: tuple[int, ...]
    units_last: bool

    @property
    def channels(self) -> int:
        """Units of the maps."""
        return self.shape[3] if self.units_last else self.shape[1]

    @property
    def resolution(self) -> tuple[int, int]:
        """Height and width of the maps."""
        height, width = self.shape[1:3] if self.units_last else self.shape[2:4]
        return height, width


class Anatomy(NamedTuple):
    """How a network ends.

    `places` lists every place where the trunk can end, last (what is pooled) first; `norm` names a
    layer normalisation between pooling and classifier, `classifier` the linear layer, None if the
    pooled units are the classes; `dropout` is the probability between them; `obstacles` describes
    layers there that are not linear: with these, the network has no activation maps.
    """

    places: list[Place]
    norm: str | None
    classifier: str | None
    dropout: float
    obstacles: list[str]

    def cuts(self) -> list[Place]:
        """The last place at each mapping resolution: the cut table."""
        first = self.places[:1]
        return first + [b for a, b in pairwise(self.places) if a.resolution != b.resolution]


def find_anatomy(
    model: nn.Module, title: str, size: tuple[int, int], tracer_options: Mapping[str, Any]
) -> Anatomy:
    """Find out how a network ends, in evaluation mode.

    Args:
        model: takes images `(B, 3, H, W)`, gives logits `(B, C)`.
        title: of the network, for messages.
        size: height and width of images for which its maps are larger than one cell.
        tracer_options: `leaf_modules` and `autowrap_functions` of the tracer.

    Raises:
        UserError: if it cannot be traced, or does not average its last maps; names the layers in
            question.
    """
    try:
        tracer = NodePathTracer(**tracer_options)
        graph = tracer.trace(model.eval())
        module = GraphModule(tracer.root, graph)
        first = _follow_shapes(module, size)
    except Exception as error:
        # Foreign code can fail in every way there is.
        raise UserError(
            f"{title} cannot be traced with images of {size[0]}x{size[1]}, so its pooling is "
            f"unknown: {error}"
        ) from error
    try:
        second = _follow_shapes(module, (size[0] + 64, size[1] + 96))
    except Exception:
        second = {}  # a network for images of one size
    nodes = list(graph.nodes)
    names = {node: tracer.node_to_qualname.get(node, node.name) for node in nodes}
    shapes = {node: Shapes(first[node], second.get(node, ())) for node in nodes}
    head = _head(nodes[-1].args[0], shapes, names, title)
    end = nodes.index(head[0].all_input_nodes[0])
    owners = {name for name, part in model.named_modules() if list(part.parameters())}
    places = list(_places(nodes[: end + 1], shapes, names, owners))[::-1]
    return Anatomy(places, *_read_head(head[1:], dict(model.named_modules()), names))


@torch.no_grad()
def _follow_shapes(module: GraphModule, size: tuple[int, int]) -> dict[Node, tuple[int, ...]]:
    for node in module.graph.nodes:
        node.meta.pop("tensor_meta", None)
    # It prints a traceback of what it then raises.
    with redirect_stderr(StringIO()):
        ShapeProp(module).propagate(torch.zeros(2, 3, *size))
    return {
        node: tuple(getattr(node.meta.get("tensor_meta"), "shape", ()))
        for node in module.graph.nodes
    }


def _place(shapes: Shapes, name: str) -> Place | None:
    axis = shapes.axis_of_units()
    return None if axis is None else Place(name, shapes.shape, units_last=axis == 3)


def _head(
    logits: Any, shapes: dict[Node, Shapes], names: dict[Node, str], title: str
) -> list[Node]:
    """The nodes from the pooling to the logits.

    Raises:
        UserError: if the way from the logits leads to no pooling of maps.
    """
    head = [logits]
    while isinstance(head[0], Node):
        inputs = [node for node in head[0].all_input_nodes if shapes[node].shape]
        if len(inputs) != 1:
            break
        before = _place(shapes[inputs[0]], "")
        after = shapes[head[0]].shape
        if before is not None:
            if after[1:] in ((before.channels,), (before.channels, 1, 1)):
                return head
            maps = f"{before.channels} maps of {before.resolution[0]}x{before.resolution[1]}"
            raise UserError(
                f"{title} has no global average pooling: {names[head[0]]} makes of {maps} "
                f"{after[1:]} numbers. Class activation maps need one average "
                "a map. Networks of this kind: arch=vgg_gap, arch=alexnet_gap."
            )
        head.insert(0, inputs[0])
    where = names.get(head[0], "its end")
    shape = shapes[head[0]].shape if isinstance(head[0], Node) else type(head[0]).__name__
    raise UserError(
        f"{title} has no global average pooling of maps (B, K, h, w): at {where}, {shape}"
        ", the way back from the logits leads to none. Class activation maps need one."
    )


def _read_head(
    head: list[Node], modules: dict[str, nn.Module], names: dict[Node, str]
) -> tuple[str | None, str | None, float, list[str]]:
    """Norm, classifier, dropout and obstacles among the nodes after the pooling."""
    called = {node: modules[str(node.target)] for node in head if node.op == "call_module"}
    scoring = [node for node, module in called.items() if list(module.parameters())][-1:]
    norm = classifier = None
    dropout = 0.0
    obstacles: list[str] = []
    for node in head:
        module = called.get(node)
        kind = type(module).__name__ if module else getattr(node.target, "__name__", node.target)
        if node in scoring and (isinstance(module, nn.Linear) or _is_pointwise(module)):
            classifier = str(node.target)
        elif isinstance(module, nn.LayerNorm) and norm is None and not obstacles:
            norm = str(node.target)
        elif str(kind).lower() not in HARMLESS:
            obstacles.append(f"{names[node]} ({kind})")
        dropout = module.p if isinstance(module, nn.Dropout) else dropout
    return norm, classifier, dropout, obstacles


def _is_pointwise(module: nn.Module | None) -> bool:
    return isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1


def _places(
    nodes: list[Node], shapes: dict[Node, Shapes], names: dict[Node, str], owners: set[str]
) -> Iterator[Place]:
    """The places among nodes in order of execution, from the first owner of parameters on."""
    has_begun = False
    order = {node: position for position, node in enumerate(nodes)}
    reaches = 0  # the furthest node that uses a value made so far
    for position, node in enumerate(nodes):
        has_begun = has_begun or str(node.target) in owners
        place = _place(shapes[node], names[node])
        if reaches <= position and has_begun and place is not None:
            yield place
        reaches = max([reaches, *(order.get(user, -1) for user in node.users)])
