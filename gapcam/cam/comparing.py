"""Sixty-four comparisons in one step, for compiled code.

Numba compiles a loop over pixels into comparisons of eight or sixteen at a time, but keeps their
answers as bytes. Here they stay bits of one number, the first in the lowest place: where most
pixels agree with their neighbours, most of the work is then done in one step.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

AT_ONCE = 64


def _instructions(generator: Callable[..., Any]) -> Callable[..., Any]:
    return cast(Callable[..., Any], intrinsic(generator))


@_instructions
def bits_above(context: Any, values: Any, first: Any, level: Any) -> Any:  # noqa: ARG001
    """`values[first : first + 64] > level` as a uint64.

    Args:
        context: given by Numba.
        values: contiguous array of one dimension, with 64 values from `first` on.
        first: index.
        level: of the values' type.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type, _, level_type = signature.args
        array, first, level = arguments
        vector = ir.VectorType(context.get_value_type(level_type), AT_ONCE)
        data = context.make_array(array_type)(context, builder, array).data
        start = builder.bitcast(builder.gep(data, [first]), vector.as_pointer())
        loaded = builder.load(start, align=1)
        one = builder.insert_element(vector(ir.Undefined), level, ir.IntType(32)(0))
        same = ir.VectorType(ir.IntType(32), AT_ONCE)([0] * AT_ONCE)
        levels = builder.shuffle_vector(one, one, same)
        if isinstance(level_type, types.Float):
            answers = builder.fcmp_ordered(">", loaded, levels)
        else:
            answers = builder.icmp_unsigned(">", loaded, levels)
        return builder.bitcast(answers, ir.IntType(AT_ONCE))

    return types.uint64(values, types.intp, values.dtype), generate


@_instructions
def place_of_lowest(context: Any, bits: Any) -> Any:  # noqa: ARG001
    """Place of the lowest bit that is set, 0..63; there must be one."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), generate
