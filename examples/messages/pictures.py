"""Draws the pictures in the messages and writes them as GIF, PNG and JPEG, with the standard library alone.

Every run has to give the same octets, on any machine, or ``make.py --check`` would be of no use. So nothing here calls
a trigonometric function, whose last digit depends on the platform, or a compressor, whose output depends on its
version. The encoders write what every viewer reads, and as little more as possible.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from math import fsum, sqrt

SIZE = 64

Colour = tuple[int, int, int]
Scene = Callable[[float, float], tuple[float, float, float]]
Picture = list[list[Colour]]


def mix(one: tuple[float, float, float], other: tuple[float, float, float], share: float) -> tuple[float, float, float]:
    """The colour between two, ``share`` of the way to the ``other``."""
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def saturn(x: float, y: float) -> tuple[float, float, float]:
    """Saturn with its ring, before a few stars; ``x`` and ``y`` are from -1 to 1."""
    # The ring is a circle, flattened and then turned by the angle whose tangent is a third.
    along, across = 0.9487 * x - 0.3162 * y, 0.3162 * x + 0.9487 * y
    distance = sqrt(along * along + (across / 0.34) * (across / 0.34))
    on_ring = 0.56 <= distance <= 0.93 and not 0.755 <= distance <= 0.785
    from_centre = x * x + y * y
    if on_ring and (across > 0 or from_centre > 0.2):
        in_shadow = across < 0 and along > 0.02 and 0.9 * along - across < 0.72 and from_centre < 0.36
        ring = mix((150, 125, 90), (235, 215, 175), (0.93 - distance) / 0.37)
        return mix(ring, (20, 18, 30), 0.75 if in_shadow else 0.0)
    if from_centre <= 0.2:
        radius = sqrt(0.2)
        height = sqrt(0.2 - from_centre)
        light = max(0.0, (-0.55 * x - 0.5 * y + 0.67 * height) / radius)
        band = (0.0, 0.25, 0.05, 0.35, 0.1, 0.0, 0.3, 0.1, 0.2, 0.0)[int((across / radius + 1) * 4.999)]
        return mix((24, 16, 20), mix((252, 226, 160), (190, 140, 80), band), 0.12 + 0.88 * light)
    for star_x, star_y in ((-0.8, -0.7), (0.15, -0.85), (0.7, -0.35), (-0.55, 0.75), (0.45, 0.8), (-0.9, 0.1)):
        if abs(x - star_x) + abs(y - star_y) < 0.035:
            return (230, 230, 255)
    return (17, 17, 51)


def moon(x: float, y: float) -> tuple[float, float, float]:
    """A crescent moon over hills in the evening; ``x`` and ``y`` are from -1 to 1."""
    if y > 0.52 + 0.3 * (x + 0.5) * (x + 0.5) or y > 0.72 - 0.35 * (1 - (x - 0.6) * (x - 0.6)):
        return (14, 18, 34)
    lit, hidden = (x + 0.15) ** 2 + (y + 0.3) ** 2, (x - 0.04) ** 2 + (y + 0.4) ** 2
    if lit < 0.16 and hidden > 0.13:
        return mix((255, 246, 214), (232, 206, 150), lit / 0.16)
    sky = mix((28, 34, 84), (246, 150, 96), max(0.0, (y + 0.7) / 1.6))
    return mix((255, 240, 210), sky, min(1.0, 0.7 + lit))


def draw(scene: Scene, step: int) -> Picture:
    """The scene as rows of colours, each pixel the mean of 4 by 4 samples.

    Each value of a colour is rounded to ``step``: GIF and PNG have a palette, and 17 leaves few enough colours for one.
    """
    return [[_pixel(scene, column, row, step) for column in range(SIZE)] for row in range(SIZE)]


def _pixel(scene: Scene, column: int, row: int, step: int) -> Colour:
    samples = [
        scene((column + (i + 0.5) / 4) * 2 / SIZE - 1, (row + (j + 0.5) / 4) * 2 / SIZE - 1)
        for j in range(4)
        for i in range(4)
    ]
    red, green, blue = (
        int(fsum(sample[channel] for sample in samples) / 16 / step + 0.5) * step for channel in range(3)
    )
    return red, green, blue


def _indexed(picture: Picture) -> tuple[list[Colour], bytes]:
    """The palette of a picture, and its pixels as places in that palette."""
    palette = sorted({colour for row in picture for colour in row})
    place = {colour: number for number, colour in enumerate(palette)}
    return palette, bytes(place[colour] for row in picture for colour in row)


def png(picture: Picture) -> bytes:
    """The picture as a PNG of 8 bits with a palette (RFC 2083)."""
    palette, pixels = _indexed(picture)
    # Each row begins with the number of its filter: 0, none.
    rows = b"".join(b"\0" + pixels[start : start + SIZE] for start in range(0, len(pixels), SIZE))
    # One stored block of zlib (RFC 1950, RFC 1951): valid, and the same everywhere.
    stored = b"\x78\x01\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 3, 0, 0, 0)),
            (b"PLTE", bytes(channel for colour in palette for channel in colour)),
            (b"IDAT", stored + struct.pack(">I", zlib.adler32(rows))),
            (b"IEND", b""),
        )
    )


def gif(picture: Picture) -> bytes:
    """The picture as a GIF (GIF87a)."""
    palette, pixels = _indexed(picture)
    colours = bytes(channel for colour in palette for channel in colour).ljust(256 * 3, b"\0")
    number = shift = 0
    for code, width in _lzw(pixels):
        number |= code << shift
        shift += width
    data = number.to_bytes((shift + 7) // 8, "little")
    blocks = b"".join(bytes([len(block)]) + block for block in _slices(data, 255))
    screen = struct.pack("<HHBBB", SIZE, SIZE, 0xF7, 0, 0)
    image = b"," + struct.pack("<HHHHB", 0, 0, SIZE, SIZE, 0)
    return b"GIF87a" + screen + colours + image + b"\x08" + blocks + b"\0;"


def _slices(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _lzw(pixels: bytes) -> Iterator[tuple[int, int]]:
    """The codes of LZW as GIF has it, each with its width in bits."""
    clear, end = 256, 257
    known = {bytes([value]): value for value in range(256)}
    free, width = 258, 9
    yield clear, width
    run = b""
    for value in pixels:
        longer = run + bytes([value])
        if longer in known:
            run = longer
            continue
        yield known[run], width
        if free == 4096:
            yield clear, width
            known = {bytes([value]): value for value in range(256)}
            free, width = 258, 9
        else:
            known[longer] = free
            width += free == 1 << width
            free += 1
        run = bytes([value])
    yield known[run], width
    width += free == 1 << width and width < 12
    yield end, width


# cos(k * pi / 16) for k from 0 to 8, times 8192.
_COSINES = (8192, 8035, 7568, 6811, 5793, 4551, 3135, 1598, 0)


def _cosine(k: int) -> int:
    k = min(k % 32, 32 - k % 32)
    return _COSINES[k] if k <= 8 else -_COSINES[16 - k]


_BASIS = [[_COSINES[4] if u == 0 else _cosine((2 * x + 1) * u) for x in range(8)] for u in range(8)]
_ZIGZAG = sorted(
    ((u, v) for v in range(8) for u in range(8)),
    key=lambda place: (sum(place), place[0] if sum(place) % 2 == 0 else place[1]),
)
_STEPS = [4 + 2 * (u + v) for u, v in _ZIGZAG]
# What a coefficient can be written as: end of block, sixteen zeros, or so many zeros before a number of so many bits.
_SYMBOLS = bytes([0x00, 0xF0] + [zeros << 4 | size for zeros in range(16) for size in range(1, 11)])


def jpeg(picture: Picture) -> bytes:
    """The picture as a baseline JPEG (ITU-T T.81) in YCbCr, without subsampling.

    Its Huffman codes are all of one length, 4 bits for the DC coefficients and 8 for the others. That wastes a little
    room and spares four pages of tables.
    """
    bits: list[str] = []
    before = [0, 0, 0]
    for top in range(0, SIZE, 8):
        for left in range(0, SIZE, 8):
            square = [_ycbcr(picture[top + y][left + x]) for y in range(8) for x in range(8)]
            for channel in range(3):
                numbers = _coefficients([pixel[channel] - 128 for pixel in square])
                bits += _huffman(numbers, numbers[0] - before[channel])
                before[channel] = numbers[0]
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    scan = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")
    components = b"\x03" + b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    return (
        b"\xff\xd8"
        + _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
        + _segment(0xDB, b"\0" + bytes(_STEPS))
        + _segment(0xC0, struct.pack(">BHH", 8, SIZE, SIZE) + components)
        + _segment(0xC4, b"\x00" + bytes([0, 0, 0, 12]) + bytes(12) + bytes(range(12)))
        + _segment(0xC4, b"\x10" + bytes(7) + bytes([len(_SYMBOLS)]) + bytes(8) + _SYMBOLS)
        + _segment(0xDA, b"\x03\x01\0\x02\0\x03\0\0\x3f\0")
        + scan
        + b"\xff\xd9"
    )


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _ycbcr(colour: Colour) -> Colour:
    red, green, blue = colour
    luma = (299 * red + 587 * green + 114 * blue) // 1000
    return luma, 128 + (blue - luma) * 564 // 1000, 128 + (red - luma) * 713 // 1000


def _coefficients(samples: list[int]) -> list[int]:
    """The quantised cosine transform of 8 by 8 samples, in zigzag order."""
    rows = [[sum(samples[8 * y + x] * _BASIS[u][x] for x in range(8)) for u in range(8)] for y in range(8)]
    result = []
    for (u, v), step in zip(_ZIGZAG, _STEPS, strict=True):
        scaled = sum(rows[y][u] * _BASIS[v][y] for y in range(8))
        # A quarter belongs to the transform, and each of the two cosines is 8192 times too large.
        whole = step << 28
        result.append((2 * scaled + whole) // (2 * whole))
    return result


def _huffman(numbers: list[int], difference: int) -> Iterator[str]:
    """The bits of one block; its first number is written as the ``difference`` from the block before."""
    yield f"{abs(difference).bit_length():04b}" + _magnitude(difference)
    last = max((place for place in range(1, 64) if numbers[place]), default=0)
    zeros = 0
    for number in numbers[1 : last + 1]:
        if number == 0:
            zeros += 1
            continue
        while zeros > 15:
            yield f"{_SYMBOLS.index(0xF0):08b}"
            zeros -= 16
        yield f"{_SYMBOLS.index(zeros << 4 | abs(number).bit_length()):08b}" + _magnitude(number)
        zeros = 0
    if last < 63:
        yield f"{_SYMBOLS.index(0x00):08b}"


def _magnitude(number: int) -> str:
    """A number in as many bits as it needs; a negative one with all bits turned round."""
    size = abs(number).bit_length()
    return f"{number if number > 0 else number + (1 << size) - 1:0{size}b}" if size else ""
