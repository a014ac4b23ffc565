"""Networks whose last convolution has one unit a class: its maps are the class activation maps."""

from typing import Any, ClassVar

from torch import nn

from gapcam.arch.gap_module import GAPModule
from gapcam.arch.layers import Conv, LayerTable, build_layers
from gapcam.arch.trunk import require_uncut


class ClassMaps(GAPModule):
    """Trunk up to a convolution of C units with its ReLU, and global pooling.

    Args:
        trim: 0; the last layer is the classifier, so it is not cut.
        kwargs: `pool`, and see `Network`.
    """

    layers: ClassVar[LayerTable]
    """Set by the subclass; the units of its last row become those of the data's classes."""

    def __init__(self, *, trim: int = 0, num_classes: int, **kwargs: Any) -> None:
        require_uncut(trim, "its last layer is its classifier")
        *layers, last = self.layers
        assert isinstance(last, Conv)
        trunk, channels = build_layers((*layers, last._replace(units=num_classes)))
        super().__init__(
            trunk=trunk,
            last_layer=last.name,
            added=nn.Identity(),
            channels=channels,
            linear=False,
            num_classes=num_classes,
            **kwargs,
        )
        # As in the Caffe files: larger weights could leave a class without any positive map, and so
        # without a gradient.
        convolution = trunk.get_submodule(last.name)
        assert isinstance(convolution, nn.Conv2d)
        nn.init.normal_(convolution.weight, std=0.01)
        self.class_layers = (f"trunk.{last.name}",)
