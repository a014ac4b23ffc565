"""The training split from shards, in a local folder or an object store, by litdata.

Shards hold the picture files as they are, in a random order; litdata draws another order for each
epoch. A crop depends on seed, epoch and row, as for a split of files. Evaluation never streams.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from litdata import StreamingDataLoader, StreamingDataset

from gapcam.batch import Sample, collate
from gapcam.data.decode import decode_fast
from gapcam.data.transforms import Views
from gapcam.errors import UserError


class ShardWriter:
    """Turns a row of a split into what a shard holds of it; for `litdata.optimize`."""

    def __init__(self, split: Any, class_names: Sequence[str], choices: str) -> None:
        self.split = split
        self.class_names = class_names
        self.choices = choices

    def __call__(self, row: int) -> dict[str, Any]:
        if self.split.index.crops[row].any():
            raise UserError("Pictures that are cut out cannot be written to shards: data.crop=full")
        label = int(self.split.labels[row])
        return {
            "image": self.split.content(row),
            "name": self.split.name(row),
            "row": row,
            "label": label,
            "class": self.class_names[label],
            "fingerprint": self.split.fingerprint,
            "choices": self.choices,
        }


class StreamedSplit(StreamingDataset):  # type: ignore[misc]
    """A training split in shards that `python -m gapcam.data shards` wrote.

    Args:
        where: folder or address (`s3://...`) of the shards.
        views: how pictures become network input.
        seed: of the order and of the random crops.
        class_names: of the data set; the shards must agree with them.
        choices: what decides which pictures train; the shards must have been written with it.

    Raises:
        UserError: if there are no shards, or they are of other data.
    """

    split = "train"
    has_boxes = False

    def __init__(
        self, where: str, views: Views, seed: int, class_names: Sequence[str], choices: str
    ) -> None:
        try:
            super().__init__(where, shuffle=True, seed=seed)
            first = super().__getitem__(0)
            self.fingerprint: str = first["fingerprint"]
        except (ValueError, OSError, RuntimeError, KeyError, IndexError, AssertionError) as error:
            raise UserError(
                f"data.stream={where} holds no shards of ours ({error}). Write them: python -m "
                f"gapcam.data shards data=... data.root=... out={where}"
            ) from error
        self.class_names = list(class_names)
        self._check_class(first)
        if first.get("choices") != choices:
            raise UserError(
                f"data.stream={where} was written with other settings ({first.get('choices')}) "
                f"than those of this run ({choices}): its training pictures may be test pictures "
                "here. Write the shards again, or use the same settings"
            )
        self.views = views
        self.crop_seed = seed

    def __getitem__(self, index: Any) -> Sample:
        item = super().__getitem__(index)
        label, row = item["label"], item["row"]
        self._check_class(item)
        pixels, size = decode_fast(item["image"], self.views.least, item["name"])
        # litdata counts epochs from 1.
        random = np.random.default_rng([self.crop_seed, self.current_epoch - 1, row])
        crop = self.views.train(pixels, size, random)
        return Sample(
            image=crop.image,
            label=label,
            boxes=torch.zeros(0, 4),
            size=size,
            regions=torch.tensor(crop.region),
            index=row,
        )

    def _check_class(self, item: dict[str, Any]) -> None:
        known = dict(enumerate(self.class_names)).get(item["label"], "no class")
        if known != item["class"]:
            raise UserError(
                f"The shards say that class {item['label']} is {item['class']}, the data set says "
                f"{known}: they are of other data"
            )


class StreamLoader(StreamingDataLoader):  # type: ignore[misc]
    """Batches of a streamed split; a resumed run goes on with the samples it has not seen.

    Args:
        split: the samples.
        epoch: asked when an epoch begins.
        samples_seen: asked then, too: how many of its samples this process has trained on.
        kwargs: for litdata's loader.
    """

    def __init__(
        self,
        split: StreamedSplit,
        *,
        epoch: Callable[[], int],
        samples_seen: Callable[[], int],
        **kwargs: Any,
    ) -> None:
        super().__init__(split, collate_fn=collate, **kwargs)
        self._epoch = epoch
        self._samples_seen = samples_seen

    def __iter__(self) -> Iterator[Any]:
        self.current_epoch, seen = self._epoch(), self._samples_seen()
        if seen:
            last = seen // self.batch_size - 1
            self.dataset.set_epoch(self.current_epoch + 1)
            self.load_state_dict(
                {
                    "dataset": self.dataset.state_dict(seen, self.num_workers, self.batch_size),
                    "current_epoch": self.current_epoch + 1,
                    "num_samples_yielded": seen,
                    "latest_worker_idx": last % max(1, self.num_workers),
                }
            )
        return super().__iter__()  # type: ignore[no-any-return]
