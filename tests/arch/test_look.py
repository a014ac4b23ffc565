"""What a network says of a batch, for classes of one's choice."""

import torch
from networks import network

from gapcam.arch.look import look_for
from gapcam.cam.views import VIEWS


def test_one_view_and_chosen_classes() -> None:
    module = network("arch=small_gap", "arch.units=4", "arch.size=[32,32]", classes=7).eval()
    images = torch.randint(256, (3, 3, 32, 32), dtype=torch.uint8)
    chosen = torch.tensor([[6, 0], [1, 2], [3, 3]])
    with torch.no_grad():
        look, logits = look_for(module, images, torch.zeros(3, 4), lambda _: chosen)
        output = module(images)
    assert torch.equal(logits, output.logits)
    assert torch.equal(look.classes, chosen)
    assert torch.equal(look.scores, output.logits.softmax(1).gather(1, chosen))
    for row in range(3):
        for rank in range(2):
            weight = module.get_submodule("classifier").weight[chosen[row, rank]]
            expected = sum(w * unit for w, unit in zip(weight, output.features[row], strict=True))
            torch.testing.assert_close(look.maps[row, rank], expected)


def test_several_views_are_averaged() -> None:
    module = network("arch=small_gap", "arch.units=4", "arch.size=[32,32]", classes=7).eval()
    count = VIEWS["ten"]
    images = torch.randint(256, (2, count, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        look, logits = look_for(
            module, images, torch.zeros(2, count, 4), lambda scores: scores.topk(3).indices
        )
        each = torch.stack([module(one).logits for one in images])
    torch.testing.assert_close(logits, each.mean(1))
    mean = each.softmax(2).mean(1)
    assert torch.equal(look.classes, mean.topk(3).indices)
    torch.testing.assert_close(look.scores, mean.topk(3).values)
    assert look.maps.shape == (2, count, 3, 8, 8)
