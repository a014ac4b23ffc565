"""The rules that numbers have been published with, and ours."""

from gapcam.protocol.protocol import Protocol

PUBLISHED = {
    protocol.name: protocol
    for protocol in (
        Protocol(name="paper"),
        Protocol(
            name="released",
            view="ten",
            grid="original",
            merge="absolute",
            coverage=False,
            interpolation="matlab",
            grey=True,
            threshold=None,
            region="dt_box",
        ),
        Protocol(
            name="wsolevaluation",
            view="whole",
            grid=224,
            interpolation="cubic",
            normalise="minmax",
            grey=True,
            threshold=None,
            region="contour",
            iou=(0.3, 0.5, 0.7),
        ),
        Protocol(name="exact", normalise="minmax", threshold=None, iou=(0.3, 0.5, 0.7)),
    )
}
"""The paper's text (3.2), its released code, the benchmark of Choe et al. (2020), and ours, which
quantises nothing and compares boxes in pixels of the original image."""


def named(protocol: Protocol | str) -> Protocol:
    """A protocol as it is, or the published one of that name.

    Raises:
        ValueError: if no published one has that name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol not in PUBLISHED:
        raise ValueError(
            f"protocol must be a Protocol or one of {', '.join(PUBLISHED)}; got {protocol!r}"
        )
    return PUBLISHED[protocol]
