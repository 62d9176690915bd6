# SPDX-License-Identifier: Apache-2.0
"""Pictures for tests, made on the spot: deterministic by seed, every one different."""
import io
import random
import struct
import zlib

from PIL import Image


def photo(seed=0, width=640, height=480, format="JPEG", exif=None, **options):
    """Smooth colour fields with some noise: compresses like a photograph, decodes to known sizes."""
    rng = random.Random(seed)
    small = Image.new("RGB", (8, 6))
    small.putdata([(rng.randrange(256), rng.randrange(256), rng.randrange(256)) for _ in range(48)])
    image = small.resize((width, height), Image.BICUBIC)
    for _ in range(40):
        x, y = rng.randrange(width), rng.randrange(height)
        image.putpixel((x, y), (rng.randrange(256), rng.randrange(256), rng.randrange(256)))
    out = io.BytesIO()
    if exif is not None:
        options["exif"] = exif
    if format == "JPEG":
        options.setdefault("quality", 85)
    image.save(out, format, **options)
    return out.getvalue()


def exif(taken="2021:07:14 15:16:17", orientation=1, make="Albumen", model="Test 1"):
    data = Image.Exif()
    data[0x010F] = make
    data[0x0110] = model
    data[0x0112] = orientation
    data[0x0132] = taken
    data.get_ifd(0x8769)[0x9003] = taken
    return data.tobytes()


def png_bomb(side=30000):
    """A PNG of side x side pixels in a few kilobytes."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    packer = zlib.compressobj(9)
    row = b"\0" * (side // 8 + 2)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def animated_webp(frames=4, side=120):
    images = [Image.new("RGB", (side, side), (60 * i % 256, 255 - 50 * i, 128)) for i in range(frames)]
    out = io.BytesIO()
    images[0].save(out, "WEBP", save_all=True, append_images=images[1:], duration=100)
    return out.getvalue()


def webp_canvas(side, frames):
    """An animation of dots: a few bytes each on a canvas of side x side pixels."""
    def chunk(kind, body):
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)

    def u24(n):
        return struct.pack("<I", n)[:3]
    out = io.BytesIO()
    Image.new("RGBA", (1, 1), (255, 0, 0, 128)).save(out, "WEBP", lossless=True)
    dot = out.getvalue()[out.getvalue().index(b"VP8L"):]
    body = chunk(b"VP8X", b"\x12\0\0\0" + 2 * u24(side - 1)) + chunk(b"ANIM", bytes(6))
    for n in range(frames):
        body += chunk(b"ANMF", u24(n % (side // 2)) + u24(0) + u24(0) + u24(0) + u24(40) + b"\0" + dot)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def jxl_claim(side):
    """The head of a JPEG XL of side x side pixels (up to 262144), and nothing behind it."""
    bits = []
    for value, n in ((0x0aff, 16), (0, 1), (2, 2), (side - 1, 18), (1, 3), (3, 2)):  # square, the rest by default
        bits += [value >> i & 1 for i in range(n)]
    bits += [0] * (-len(bits) % 8) + [1] + [0] * 7
    return bytes(sum(bits[i + k] << k for k in range(8)) for i in range(0, len(bits), 8)) + bytes(4096)


def psd(width=64, height=48, mode=3):
    """mode: 3 is RGB, 9 is Lab."""
    return (b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, mode) + struct.pack(">IIIH", 0, 0, 0, 0)
            + bytes(width * height * 3))


def size_of(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.size


def decoded(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")
