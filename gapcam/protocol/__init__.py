"""Named evaluation protocols: no number without its rule.

A protocol is a small frozen object: from the maps of a network to boxes, and what counts as found.
Four are published rules (`PUBLISHED`); any other can be composed from the same settings.
"""

from gapcam.protocol.protocol import Protocol as Protocol
from gapcam.protocol.published import PUBLISHED as PUBLISHED
from gapcam.protocol.published import named as named
from gapcam.protocol.words import BEST_HERE as BEST_HERE
