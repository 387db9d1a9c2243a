"""Vectors as Numba values: the few operations of the fastest rung, written as LLVM vector IR.

A `Vector` is wider than any register. LLVM cuts it into as many as the machine needs (8 of 512
bits with AVX-512), which are independent of each other, so no instruction waits for the last one.
It knows nothing of a particular processor.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 64  # 64-bit words; a power of two. Measured on Zen 4: 8 take 1.5 times as long, 32 1.07


class Vector(types.Type):
    """A Numba type: `lanes` integers of `bits` bits each, held in registers."""

    def __init__(self, bits: int, lanes: int):
        self.ir = ir.VectorType(ir.IntType(bits), lanes)
        super().__init__(name=f"Vector({bits}, {lanes})")

    def splat(self, value: int) -> ir.Constant:
        """Return the constant that holds `value` in every lane."""
        return ir.Constant(self.ir, [value] * self.ir.count)


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """How Numba stores a `Vector`: as LLVM's own vector type."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, fe_type.ir)


WORDS = Vector(64, LANES)
COUNTS = Vector(32, 2 * LANES)  # one counter for each pair of 16-bit coordinates


def _data(context, builder, array_type, array):
    pointer = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(pointer, WORDS.ir.as_pointer())


@intrinsic
def load(typing, array):
    """Return the first LANES words of a contiguous uint64 array."""

    def emit(context, builder, signature, values):
        words = builder.load(_data(context, builder, signature.args[0], values[0]))
        words.align = 8  # an array's, not a vector's: LLVM would assume 512 bytes
        return words

    return WORDS(array), emit


@intrinsic
def store(typing, array, words):
    """Write the words to the start of a contiguous uint64 array of LANES or more."""

    def emit(context, builder, signature, values):
        pointer = _data(context, builder, signature.args[0], values[0])
        builder.store(values[1], pointer).align = 8
        return context.get_dummy_value()

    return types.void(array, WORDS), emit


@intrinsic
def add(typing, a, b):
    """Return a + b, lane by lane, modulo 2^64."""
    return WORDS(WORDS, WORDS), lambda context, builder, signature, ab: builder.add(*ab)


@intrinsic
def xor(typing, a, b):
    """Return a ^ b."""
    return WORDS(WORDS, WORDS), lambda context, builder, signature, ab: builder.xor(*ab)


@intrinsic(prefer_literal=True)
def shift_left(typing, words, bits):
    """Return words << bits in every lane; `bits` is a literal."""
    count = WORDS.splat(bits.literal_value)
    return WORDS(WORDS, bits), lambda context, builder, signature, v: builder.shl(v[0], count)


@intrinsic(prefer_literal=True)
def rotate_left(typing, words, bits):
    """Rotate every lane by `bits`, a literal; LLVM knows the pattern (vprolq)."""
    left, right = WORDS.splat(bits.literal_value), WORDS.splat(64 - bits.literal_value)

    def emit(context, builder, signature, values):
        return builder.or_(builder.shl(values[0], left), builder.lshr(values[0], right))

    return WORDS(WORDS, bits), emit


@intrinsic
def no_counts(typing):
    """Return counters at zero."""
    return COUNTS(), lambda context, builder, signature, values: COUNTS.splat(0)


@intrinsic
def count_pairs(typing, counts, words):
    """Read each word as two (x, y) of signed 16 bits; subtract 1 where x² + y² < 2^30.

    The sign of x² + y² - 2^30, spread over 32 bits, is the -1: two instructions and an addition
    (vpdpwssd, vpsrad, vpaddd) for 16 samples.
    """
    halves = ir.VectorType(ir.IntType(16), 4 * LANES)

    def coordinate(builder, words, offset):
        every_second = ir.Constant(COUNTS.ir, [2 * i + offset for i in range(2 * LANES)])
        nothing = ir.Constant(halves, ir.Undefined)
        picked = builder.shuffle_vector(builder.bitcast(words, halves), nothing, every_second)
        return builder.sext(picked, COUNTS.ir)

    def emit(context, builder, signature, values):
        x, y = coordinate(builder, values[1], 0), coordinate(builder, values[1], 1)
        square = builder.add(builder.mul(x, x), builder.mul(y, y))
        sign = builder.ashr(builder.sub(square, COUNTS.splat(1 << 30)), COUNTS.splat(31))
        return builder.add(values[0], sign)

    return COUNTS(COUNTS, WORDS), emit


@intrinsic
def sum_counts(typing, counts):
    """Return the sum of all counters, modulo 2^32 and signed."""

    def emit(context, builder, signature, values):
        kind = ir.FunctionType(ir.IntType(32), [COUNTS.ir])
        name = f"llvm.vector.reduce.add.v{2 * LANES}i32"
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)

    return types.int32(COUNTS), emit
