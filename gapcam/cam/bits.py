"""Many yes-or-no answers an image, eight in a byte."""

from math import prod

import torch
from torch import Tensor

_ROWS_AT_ONCE = 4096


def packed(answers: Tensor) -> Tensor:
    """Pack bool `(..., T)` into uint8 `(..., ceil(T / 8))`, the first answer in the lowest bit.

    Example:
        >>> packed(torch.tensor([True, False, True, False, False, False, False, False, True]))
        tensor([5, 1], dtype=torch.uint8)
    """
    missing = -answers.shape[-1] % 8
    octets = torch.nn.functional.pad(answers.to(torch.uint8), (0, missing))
    octets = octets.reshape(*octets.shape[:-1], octets.shape[-1] // 8, 8)
    return torch.sum(octets << _places(answers), -1, dtype=torch.uint8)


def answer(bytes_: Tensor, place: int) -> Tensor:
    """One answer of the T, bool `(...)`, from bytes `(..., ceil(T / 8))`."""
    return (bytes_[..., place // 8] >> place % 8) % 2 == 1


def totals(bytes_N: Tensor, count: int) -> Tensor:
    """How many of N rows say yes: bytes `(N, ..., ceil(T / 8))` -> int64 `(..., T)`.

    Args:
        bytes_N: as `packed` returns them.
        count: T.
    """
    shape, columns = bytes_N.shape[1:], prod(bytes_N.shape[1:])
    # How often each byte occurs in a column is counted: only the 256 possible ones are unpacked.
    first = 256 * torch.arange(columns, device=bytes_N.device)
    occurs = torch.zeros(columns * 256, dtype=torch.int64, device=bytes_N.device)
    for rows in torch.split(bytes_N.reshape(-1, columns), _ROWS_AT_ONCE):
        occurs += torch.bincount((rows + first).flatten(), minlength=len(occurs))
    every = torch.arange(256, dtype=torch.uint8, device=bytes_N.device)[:, None]
    is_set = (every >> _places(bytes_N)) % 2
    return (occurs.view(-1, 256, 1) * is_set).sum(1).view(*shape[:-1], -1)[..., :count]


def _places(like: Tensor) -> Tensor:
    return torch.arange(8, dtype=torch.uint8, device=like.device)
