"""Networks that end in global average pooling, and so explain themselves by activation maps."""

from typing import Any

from torch import Tensor, nn

from gapcam.arch.network import Network, Output
from gapcam.cam.activation import class_activation_maps
from gapcam.errors import UserError


class GAPModule(Network):
    """Trunk, added convolutions, global pooling, linear classifier.

    Args:
        trunk: layers up to the cut.
        last_layer: name of the trunk's last layer, for people.
        added: convolutions between trunk and pooling; may be empty.
        channels: units that are pooled (the paper's K).
        pool: `avg`, or `max` for the paper's comparison with max pooling. Class maps are the same
            weighted sum in both; only under `avg` is a class score the average of its map.
        dropout: probability, between pooling and classifier.
        linear: whether a linear classifier follows; without it the K units are the classes.
        kwargs: see `Network`.

    Raises:
        UserError: if `pool` is neither.
    """

    class_layers: tuple[str, ...] = ("classifier",)
    kinds_of_maps = ("cam", *Network.kinds_of_maps)

    def __init__(
        self,
        *,
        trunk: nn.Module,
        last_layer: str,
        added: nn.Module,
        channels: int,
        pool: str = "avg",
        dropout: float = 0.0,
        linear: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if pool not in ("avg", "max"):
            raise UserError(f"arch.pool must be avg or max; got {pool!r}")
        self.last_layer = last_layer
        self.trunk = trunk
        self.added = added
        self.pool = pool
        self.dropout = nn.Dropout(dropout)
        self.classifier: nn.Module = (
            nn.Linear(channels, self.num_classes) if linear else nn.Identity()
        )

    def classify(self, inputs: Tensor) -> Output:
        return self.after_trunk(self.trunk(inputs))

    def after_trunk(self, outputs: Tensor) -> Output:
        features = self.added(outputs)
        return Output(self.head(features), features)

    def head(self, features: Tensor) -> Tensor:
        """Pool and score features `(B, K, h, w)` -> logits `(B, C)`."""
        pooled = features.mean((-2, -1)) if self.pool == "avg" else features.amax((-2, -1))
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits

    def maps(self, images: Tensor, output: Output, classes: Tensor) -> Tensor:
        if self.cam.method == "cam":
            return self.activation_maps(output, classes)
        return super().maps(images, output, classes)

    def activation_maps(self, output: Output, classes: Tensor) -> Tensor:
        """Class activation maps `(B, M, h, w)` of the classes `(B, M)`, float32."""
        if isinstance(self.classifier, nn.Linear):
            return class_activation_maps(output.features, self.classifier.weight, classes)
        chosen = classes[:, :, None, None].expand(-1, -1, *output.features.shape[2:])
        return output.features.gather(1, chosen).float()
