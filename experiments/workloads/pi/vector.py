"""Vectors as Numba values, and one step of the fastest rung in LLVM vector IR.

LLVM turns the IR into whatever registers the machine has; nothing here names a processor.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

REGISTER = 8  # 64-bit words: one AVX-512 register, two of AVX2
LANES = 64  # words of a `Words`: eight registers whose steps do not wait for each other

I16, I32, I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)


class WordsType(types.Type):
    """The Numba type of LANES unsigned 64-bit integers held in registers."""

    def __init__(self):
        super().__init__(name="Words")


@register_model(WordsType)
class WordsModel(models.PrimitiveModel):
    """How Numba keeps the words: as LLVM's own vector type, one for each register."""

    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.VectorType(I64, LANES))


Words = WordsType()


def _pointer(context, builder, array_type, array):
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(data, ir.VectorType(I64, LANES).as_pointer())


@intrinsic
def load(typing, array):
    """Return the first LANES words of a contiguous uint64 array."""

    def emit(context, builder, signature, values):
        words = builder.load(_pointer(context, builder, signature.args[0], values[0]))
        words.align = 8  # an array's; LLVM would assume a vector's, 512 bytes
        return words

    return Words(array), emit


@intrinsic
def store(typing, array, words):
    """Write the words to the start of a contiguous uint64 array of LANES or more."""

    def emit(context, builder, signature, values):
        pointer = _pointer(context, builder, signature.args[0], values[0])
        builder.store(values[1], pointer).align = 8
        return context.get_dummy_value()

    return types.void(array, Words), emit


def _splat(integer, value, count):
    return ir.Constant(ir.VectorType(integer, count), [value] * count)


def _pick(builder, a, b, indices):
    """Return these elements of the vectors a and b, counted through both."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(indices)), indices))


def _join(builder, parts):
    """Return one vector from 2^k equal ones."""
    while len(parts) > 1:
        indices = list(range(2 * parts[0].type.count))
        parts = [
            _pick(builder, a, b, indices) for a, b in zip(parts[::2], parts[1::2], strict=True)
        ]
    return parts[0]


def _step(builder, s0, s1):
    """xoroshiro128+ in one register: return the next s0 and s1 (six instructions with the sum)."""

    def shift(words, bits):
        return builder.shl(words, _splat(I64, bits, REGISTER))

    def rotate(words, bits):  # LLVM knows the pattern: vprolq
        right = builder.lshr(words, _splat(I64, 64 - bits, REGISTER))
        return builder.or_(shift(words, bits), right)

    both = builder.xor(s0, s1)
    next_s0 = builder.xor(builder.xor(rotate(s0, 24), both), shift(both, 16))
    return next_s0, rotate(both, 37)


def _count(builder, words):
    """Return how many of the 16 pairs of signed 16-bit halves have x² + y² < 2^30; int64.

    LLVM sees one multiplication in it (vpmaddwd), a comparison into a mask, and a count of bits,
    which leaves the vector units free.
    """
    pairs = 2 * REGISTER
    halves = builder.bitcast(words, ir.VectorType(I16, 2 * pairs))
    x, y = (
        builder.sext(
            _pick(builder, halves, halves, list(range(offset, 2 * pairs, 2))),
            ir.VectorType(I32, pairs),
        )
        for offset in (0, 1)
    )
    square = builder.add(builder.mul(x, x), builder.mul(y, y))
    inside = builder.icmp_unsigned("<", square, _splat(I32, 1 << 30, pairs))
    return builder.zext(builder.ctpop(builder.bitcast(inside, ir.IntType(pairs))), I64)


@intrinsic
def step_and_count(typing, s0, s1):
    """Count the samples of s0 + s1 that are inside, and step: return (s0, s1, inside).

    One register after the other, as a person would write it. Given the whole vector at once, LLVM
    groups like instructions, which then queue for the same units: 16 % slower on Zen 4.
    """

    def emit(context, builder, signature, values):
        inside, states = ir.Constant(I64, 0), []
        for start in range(0, LANES, REGISTER):
            own = list(range(start, start + REGISTER))
            a, b = (_pick(builder, words, words, own) for words in values)
            inside = builder.add(inside, _count(builder, builder.add(a, b)))
            states.append(_step(builder, a, b))
        s0, s1 = (_join(builder, list(parts)) for parts in zip(*states, strict=True))
        return context.make_tuple(builder, signature.return_type, [s0, s1, inside])

    return types.Tuple((Words, Words, types.int64))(Words, Words), emit
