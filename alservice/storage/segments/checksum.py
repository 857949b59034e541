"""The CRC32C of a file whose beginning is written last.

The header of a segment is known only when its data are, and the data are read once, as they
pass. So both get a checksum of their own, and these are combined into the one of the file:
what any tool computes from its first byte to its last.
"""

POLYNOMIAL = 0x82F63B78  # Castagnoli's, bits reversed: bit 31 is the coefficient of x^0
ONE, X_TO_THE_8 = 1 << 31, 1 << 23


def combine(first: int, second: int, second_size_bytes: int) -> int:
    """CRC32C of two byte strings end to end, from the CRC32C of each and the size of the second.

    Multiplies the first by x^(8 size) modulo the polynomial, by squaring (M. Adler's
    `crc32_combine` of zlib).
    """
    power, square, exponent = ONE, X_TO_THE_8, second_size_bytes
    while exponent:
        if exponent & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        exponent >>= 1
    return _multiply(power, first) ^ second


def _multiply(a: int, b: int) -> int:
    product = 0
    for bit in range(31, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (POLYNOMIAL if b & 1 else 0)
    return product
