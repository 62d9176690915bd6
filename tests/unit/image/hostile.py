#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Evil files for test_darkroom_hostile: hostile.py FOLDER. Nothing of it is random: a failure can be repeated.

evil-*: lies, loops and bombs; good-*: whole files that the test cuts short.
"""
import io
import os
import random
import struct
import subprocess
import sys
import zlib

import samples


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(width, height, *chunks, depth=8, kind=2):
    head = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, depth, kind, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + head + b''.join(chunks) + chunk(b'IEND', b'')


def pngs():
    squeezed = zlib.compress(bytes(30 << 20), 9)
    rows = zlib.compress(bytes(31), 9)
    yield 'huge.png', png(0x7fffffff, 0x7fffffff, chunk(b'IDAT', rows))
    yield 'wide.png', png(30000, 30000, chunk(b'IDAT', squeezed))
    yield 'flat.png', png(15000, 10000, chunk(b'IDAT', squeezed), kind=0)
    yield 'text.png', png(10, 1, *[chunk(b'zTXt', b'key\0\0' + squeezed)] * 20, chunk(b'IDAT', rows))
    yield 'profile.png', png(10, 1, chunk(b'iCCP', b'name\0\0' + squeezed), chunk(b'IDAT', rows))
    yield 'chunks.png', png(10, 1, chunk(b'tEXt', b'a\0b') * 100000, chunk(b'IDAT', rows))
    frames = b''.join(chunk(b'fcTL', struct.pack('>IIIIIHHBB', i, 0x7fffffff, 9, 0, 0, 1, 1, 0, 0)) for i in range(999))
    yield 'animated.png', png(10, 1, chunk(b'acTL', struct.pack('>II', 0xffffffff, 0)), frames, chunk(b'IDAT', rows))


def gifs():
    head = b'GIF89a' + struct.pack('<HHBBB', 4, 4, 0x80, 0, 0) + bytes((0, 0, 0, 255, 255, 255))
    frame = b'\x2c' + struct.pack('<HHHHB', 0, 0, 4, 4, 0) + b'\x02\x03\x84\x8f\x05\0'
    yield 'frames.gif', head + frame * 100000 + b'\x3b'
    yield 'screen.gif', b'GIF89a' + struct.pack('<HHBBB', 65535, 65535, 0, 0, 0) + frame * 1000 + b'\x3b'
    yield 'outside.gif', head + b'\x2c' + struct.pack('<HHHHB', 65000, 65000, 65535, 65535, 0) + b'\x02\x03\x84\x8f\x05\0;'
    yield 'codes.gif', head + b'\x2c' + struct.pack('<HHHHB', 0, 0, 4, 4, 0) + b'\x0c' + (b'\xff' + b'\xff' * 255) * 4000
    yield 'endless.gif', head + (b'\x21\xfe' + b'\xff' + b'a' * 255) * 9000


def jpegs():
    out = io.BytesIO()
    samples.rgb().save(out, 'JPEG', progressive=True)
    good = out.getvalue()
    frame = good.index(b'\xff\xc2')
    lying = bytearray(good)
    lying[frame + 5:frame + 9] = struct.pack('>HH', 65500, 65500)
    yield 'huge.jpg', bytes(lying)
    lying[frame + 5:frame + 9] = struct.pack('>HH', 12000, 8000)
    scan = good[good.index(b'\xff\xda', frame):-2]
    yield 'scans.jpg', bytes(lying)[:-2] + scan * 1500 + b'\xff\xd9'
    loop = b'Exif\0\0II*\0\x08\0\0\0' + struct.pack('<H', 400) + struct.pack('<HHII', 0x8769, 4, 1, 8) * 400 + struct.pack('<I', 8)
    yield 'exif.jpg', good[:2] + b'\xff\xe1' + struct.pack('>H', len(loop) + 2) + loop + good[2:]
    xmp = b'http://ns.adobe.com/xap/1.0/\0<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b''.join(
        b'<!ENTITY %c "%s">' % (98 + i, b'&%c;' % (97 + i) * 10) for i in range(9)) + b']><x:xmpmeta>&j;</x:xmpmeta>'
    yield 'entities.jpg', good[:2] + b'\xff\xe1' + struct.pack('>H', len(xmp) + 2) + xmp + good[2:]
    yield 'markers.jpg', good[:2] + b'\xff\xfe\0\x02' * 200000 + good[2:]
    yield 'stuffed.jpg', good[:2] + b'\xff' * 3000000 + good[2:]


def tiff(entries, after=b'', next_at=0):
    entries = sorted(entries)
    body = struct.pack('<H', len(entries)) + b''.join(struct.pack('<HHII', *e) for e in entries)
    return b'II*\0\x08\0\0\0' + body + struct.pack('<I', next_at) + after


def tiffs():
    def plain(width, height, **more):
        e = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: width * height % 2 ** 32}
        e.update({int(k[1:]): v for k, v in more.items()})
        return [(tag, 4, 1, v) for tag, v in e.items()]
    yield 'huge.tif', tiff(plain(0x7fffffff, 0x7fffffff))
    yield 'large.tif', tiff(plain(30000, 30000))
    yield 'loop.tif', tiff(plain(100, 100), next_at=8)
    yield 'counts.tif', tiff(plain(100, 100) + [(700, 1, 0xffffffff, 8), (34675, 7, 0xfffffff0, 8), (34377, 1, 0x7fffffff, 9)])
    tiles = [e for e in plain(9000, 9000) if e[0] not in (273, 278, 279)]
    yield 'tiles.tif', tiff(tiles + [(322, 4, 1, 16), (323, 4, 1, 16), (324, 4, 0x7fffffff, 8), (325, 4, 0x7fffffff, 8)])
    squeezed = zlib.compress(bytes(20 << 20), 9)
    at = 8 + 2 + 9 * 12 + 4
    yield 'squeezed.tif', tiff([(t, k, n, at if t == 273 else 8 if t == 259 else len(squeezed) if t == 279 else v)
                                for t, k, n, v in plain(12000, 8000)], squeezed)
    yield 'samples.tif', tiff(plain(100, 100, t277=65535, t258=64))
    yield 'subifds.tif', tiff(plain(100, 100) + [(330, 4, 0xffff, 8)])
    yield 'big.tif', b'II+\0\x08\0\0\0' + struct.pack('<Q', 2 ** 63 - 1)


def boxes(kind, *parts):
    body = b''.join(parts)
    return struct.pack('>I', len(body) + 8) + kind + body


def heifs():
    def full(kind, body, version=0):
        return boxes(kind, struct.pack('>I', version << 24), body)
    ftyp = boxes(b'ftyp', b'heic\0\0\0\0mif1heic')
    pitm = full(b'pitm', struct.pack('>H', 1))
    hdlr = full(b'hdlr', bytes(4) + b'pict' + bytes(13))
    iinf = full(b'iinf', struct.pack('>H', 1) + full(b'infe', struct.pack('>HH', 1, 0) + b'grid\0', 2))
    items = b''.join(struct.pack('>HHHII', i, 0, 1, 0, 0xffffffff) for i in range(65535))
    iloc = full(b'iloc', struct.pack('>BBH', 0x44, 0, 65535) + items)
    ispe = full(b'ispe', struct.pack('>II', 0x7fffffff, 0x7fffffff))
    iprp = boxes(b'iprp', boxes(b'ipco', ispe * 1000), full(b'ipma', struct.pack('>IHBB', 1, 1, 1, 1)))
    yield 'items.heic', ftyp + full(b'meta', hdlr + pitm + iinf + iloc + iprp)
    nested = b''
    for _ in range(5000):
        nested = boxes(b'meta', bytes(4), nested)
    yield 'nested.heic', ftyp + nested
    yield 'nested.avif', ftyp.replace(b'heic', b'avif') + nested
    yield 'dimg.heic', ftyp + full(b'meta', hdlr + pitm + iinf + full(
        b'iref', b''.join(boxes(b'dimg', struct.pack('>HH', 1, 1000), struct.pack('>H', 1) * 1000) for _ in range(50))) + iprp)


def jpeg2000():
    siz = struct.pack('>HIIIIIIIIH', 0, 0x7fffffff, 0x7fffffff, 0, 0, 1, 1, 0, 0, 3) + b'\x07\x01\x01' * 3
    yield 'huge.jp2', b'\xff\x4f\xff\x51' + struct.pack('>H', len(siz) + 2) + siz + b'\xff\xd9'
    siz = struct.pack('>HIIIIIIIIH', 0, 9000, 9000, 0, 0, 1, 1, 0, 0, 16384) + b'\x07\x01\x01' * 16384
    yield 'channels.jp2', b'\xff\x4f\xff\x51' + struct.pack('>H', len(siz) + 2) + siz + b'\xff\xd9'


def dng(jpeg, width=640, height=480, **more):
    """A DNG as small as it can be: an embedded JPEG in the first directory, a sensor's data in the second. more: tags of the
    second one, by t and their number."""
    def directory(at, *entries):
        body = struct.pack('<H', len(entries))
        behind, end = b'', at + 2 + 12 * len(entries) + 4
        for tag, kind, count, value in entries:
            if isinstance(value, bytes):
                body += struct.pack('<HHII', tag, kind, count, end + len(behind))
                behind += value + b'\0' * (len(value) % 2)
            else:
                body += struct.pack('<HHII', tag, kind, count, value)
        return body + bytes(4) + behind
    identity = b''.join(struct.pack('<ii', int(i % 4 == 0), 1) for i in range(9))

    def first(size, behind):
        return directory(8, (254, 4, 1, 1), (256, 4, 1, 320), (257, 4, 1, 240), (258, 3, 3, b'\x08\0' * 3), (259, 3, 1, 7),
                         (262, 3, 1, 6), (271, 2, 5, b'Test\0'), (272, 2, 6, b'Model\0'), (273, 4, 1, behind), (277, 3, 1, 3), (278, 4, 1, 240),
                         (279, 4, 1, len(jpeg)), (330, 4, 1, size), (50706, 1, 4, 0x00000401), (50708, 2, 6, b'Model\0'),
                         (50721, 10, 9, identity), (50778, 3, 1, 21))
    at = 8 + len(first(0, 0))
    tags = {254: (4, 1, 0), 256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 16), 259: (3, 1, 1), 262: (3, 1, 32803),
            273: (4, 1, 0), 277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, width * height * 2 % 2 ** 32), 33421: (3, 2, 0x00020002),
            33422: (1, 4, 0x02010100)}
    tags.update({int(k[1:]): (4, 1, v) for k, v in more.items()})
    second = directory(at, *[(t, *v) for t, v in sorted(tags.items())])
    sensor = at + len(second)
    tags[273] = (4, 1, more.get('t273', sensor + len(jpeg)))
    second = directory(at, *[(t, *v) for t, v in sorted(tags.items())])
    return b'II*\0\x08\0\0\0' + first(at, sensor) + second + jpeg


def raws(jpeg):
    yield 'huge.dng', dng(jpeg, 0x7fffffff, 0x7fffffff)
    yield 'large.dng', dng(jpeg, 60000, 40000)
    yield 'lying.dng', dng(jpeg, 6000, 4000) + bytes(100000)
    yield 'rows.dng', dng(jpeg, 640, 480, t278=0xffffffff, t273=0xfffffff0) + bytes(700000)
    yield 'lossless.dng', dng(jpeg, 640, 480, t259=7) + b'\xff\xd8\xff\xc3\0\x0b\x10\xff\xff\xff\xff\x01\x01\x11\0' + b'\xff' * 60000
    yield 'tiles.dng', dng(jpeg, 6400, 4800, t322=1, t323=1, t324=8, t325=0xffffffff) + bytes(1000)
    yield 'samples.dng', dng(jpeg, 640, 480, t277=0xffff, t258=64) + bytes(700000)
    yield 'itself.dng', dng(jpeg, 640, 480, t330=8) + bytes(700000)
    yield 'preview.dng', dng(b'\xff\xd8' + b'\xff\xe1\0\x02' * 90000, 640, 480) + bytes(640 * 480 * 2)
    loop = struct.pack('<H', 3) + struct.pack('<HHII', 330, 4, 400, 8) + struct.pack('<HHII', 0x8769, 4, 1, 16) + struct.pack('<HHII', 271, 2, 6, 80)
    for kind, head in (('cr2', b'II*\0\x10\0\0\0CR\2\0\x10\0\0\0'), ('orf', b'IIRO\x08\0\0\0'), ('rw2', b'IIU\0\x08\0\0\0')):
        yield 'loop.' + kind, head + loop + struct.pack('<I', 8) + b'Canon\0' * 2000
        yield 'noise.' + kind, head + random.Random(5).randbytes(60000)
    for kind in (b'NIKON CORPORATION', b'SONY', b'PENTAX', b'Phase One A/S', b'Hasselblad', b'Kodak', b'SAMSUNG', b'OLYMPUS CORPORATION'):
        tags = [(256, 4, 1, 60000), (257, 4, 1, 60000), (258, 3, 1, 14), (259, 3, 1, 34713), (262, 3, 1, 32803), (271, 2, len(kind) + 1, 200),
                (273, 4, 1, 400), (277, 3, 1, 1), (279, 4, 1, 0xfffffff0), (330, 4, 1, 8), (0x8769, 4, 1, 8), (37500, 7, 90000, 300)]
        yield 'maker-%s.tif' % kind.split()[0].decode().lower(), tiff(tags).ljust(200, b'\0') + kind + bytes(100000)
    yield 'offsets.raf', b'FUJIFILMCCD-RAW 0201FF389501X-T3'.ljust(84, b'\0') + struct.pack('>IIIIII', 0xfffffff0, 0xffff, 100, 0xfffffff0, 100, 0x7fffffff) + bytes(90000)
    yield 'directory.x3f', b'FOVb' + struct.pack('<HH', 1, 4) + b'\xff' * 60000 + struct.pack('<I', 8)
    yield 'tracks.cr3', boxes(b'ftyp', b'crx \0\0\0\1crx isom') + boxes(b'moov', boxes(b'uuid', b'\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48',
                                                                             boxes(b'CMT1', loop) * 500), boxes(b'trak', bytes(60)) * 5000) + bytes(1000)


def changed(family, data, dice, count=6):
    """The same file with a few bytes of other values, most of them in its first kilobyte, where sizes and counts stand."""
    name, ending = family
    for i in range(count):
        other = bytearray(data)
        for _ in range(2 + 4 * i):
            other[dice.randrange(min(len(data), 1000 if i % 2 else len(data)))] = dice.choice((0, 1, 0x7f, 0x80, 0xff, dice.randrange(256)))
        yield 'changed-%s%d.%s' % (name, i, ending), bytes(other)


def sequences(avif, jxl):
    yield 'count.avif', avif.replace(b'stsz\0\0\0\0\0\0\0\0\0\0\0\x04', b'stsz\0\0\0\0\0\0\0\0\xff\xff\xff\xff')
    times = avif.index(b'stts') + 12
    yield 'times.avif', avif[:times] + struct.pack('>II', 0xffffffff, 0xffffffff) + avif[times + 8:]
    yield 'size.avif', avif.replace(struct.pack('>HH', samples.W, samples.H), b'\xff\xff\xff\xff')
    chunks = avif.index(b'stco') + 12
    yield 'chunks.avif', avif[:chunks] + b'\xff\xff\xff\xf0' + avif[chunks + 4:]
    yield 'movie.avif', avif[:avif.index(b'moov') - 4] + boxes(b'moov', boxes(b'trak', boxes(b'edts', boxes(b'elst', b'\1\0\0\1' + b'\xff' * 60))) * 3000)
    yield from changed(('moving', 'avif'), avif, random.Random(6))
    yield from changed(('moving', 'jxl'), jxl, random.Random(7), 12)
    level = b'\0\0\0\x0cJXL \r\n\x87\n' + boxes(b'ftyp', b'jxl \0\0\0\0jxl ')
    yield 'endless.jxl', level + b'\0\0\0\0jxlc' + jxl + b'\0' * 900000
    yield 'packed.jxl', level + boxes(b'brob', b'Exif' + b'\xff' * 60000) * 30 + boxes(b'jxlc', jxl)
    yield 'tail.jxl', jxl * 3000


def others():
    yield 'huge.webp', b'RIFF\xf0\0\0\0WEBPVP8L\xe0\0\0\0\x2f\xff\xff\xff\x0f' + bytes(220)
    yield 'canvas.webp', b'RIFF\xf0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\xff\xff\xff\xff\xff\xff' + bytes(220)
    yield 'huge.jxl', b'\xff\x0a' + b'\xff' * 64
    yield 'boxes.jxl', b'\0\0\0\x0cJXL \r\n\x87\n' + boxes(b'jxlp', b'\0\0\0\0') * 50000
    yield 'huge.bmp', b'BM' + struct.pack('<IIIIiiHHIIiiII', 9, 0, 54, 40, 99999, 99999, 1, 24, 0, 0, 0, 0, 0, 0)
    yield 'runs.bmp', b'BM' + struct.pack('<IIIIiiHHIIiiII', 9, 0, 54, 40, 9999, 9999, 1, 8, 1, 0, 0, 0, 2 ** 32 - 1, 0) + b'\xff\x01' * 900000
    yield 'jumps.bmp', b'BM' + struct.pack('<IIIIiiHHIIiiII', 9, 0, 54, 40, 999, 999, 1, 8, 1, 0, 0, 0, 256, 0) + b'\0\x02\xff\0' * 900000


def icos():
    entry = struct.pack('<BBBBHHII', 0, 0, 0, 0, 1, 32, 0xffffffff, 6 + 16 * 255)
    bomb = png(30000, 30000, chunk(b'IDAT', zlib.compress(bytes(9 << 20), 9)))
    yield 'bomb.ico', struct.pack('<HHH', 0, 1, 255) + entry * 255 + bomb
    yield 'count.ico', struct.pack('<HHH', 0, 1, 65535) + entry * 65535
    dib = struct.pack('<IiiHHIIiiII', 40, 99999, 199998, 1, 32, 0, 0, 0, 0, 0, 0)
    yield 'dib.ico', struct.pack('<HHH', 0, 1, 255) + entry * 255 + dib
    for i, (w, h, bits) in enumerate(((0, 2, 32), (2 ** 31 - 1, -2 ** 31, 1), (16, 1, 24), (5000, 10000, 8))):
        dib = struct.pack('<IiiHHIIiiII', 40, w, h, 1, bits, 0, 0, 0, 0, 2 ** 32 - 1, 0)
        yield 'dib%d.ico' % i, struct.pack('<HHH', 0, 1, 1) + entry[:12] + struct.pack('<I', 22) + dib
    yield 'itself.ico', struct.pack('<HHH', 0, 1, 1) + entry[:12] + struct.pack('<I', 22) + struct.pack('<HHH', 0, 1, 1)


def psds():
    def head(version, channels, height, width, depth=8, mode=3):
        return b'8BPS' + struct.pack('>H6xHIIHH', version, channels, height, width, depth, mode)
    yield 'huge.psd', head(2, 3, 300000, 300000) + bytes(12 + 8) + b'\0\x01' + bytes(1000)
    yield 'large.psd', head(1, 3, 16000, 12000) + bytes(12) + b'\0\x01' + bytes(100000)
    yield 'raw.psd', head(1, 4, 16000, 12000, mode=4) + bytes(12) + b'\0\0' + bytes(100000)
    yield 'runs.psd', head(1, 3, 2000, 2000) + bytes(12) + b'\0\x01' + b'\xff\xff' * 6000 + b'\x81\0' * 90000
    yield 'noops.psd', head(1, 3, 200, 200) + bytes(12) + b'\0\x01' + b'\xff\xff' * 600 + b'\x80' * 4000000
    yield 'sections.psd', head(2, 3, 100, 100) + bytes(8) + b'\x7f' + b'\xff' * 7 + bytes(99)
    blocks = b'8BIM' + struct.pack('>HHI', 1039, 0, 0xfffffff0)
    yield 'resources.psd', head(1, 3, 100, 100) + bytes(4) + struct.pack('>I', len(blocks)) + blocks + bytes(60000)
    yield 'channels.psd', head(1, 56, 10000, 10000, 16) + bytes(12) + b'\0\x01' + bytes(90000)


def drawings():
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64">'
    yield 'nested.svg', svg + b'<g>' * 100000 + b'</g>' * 100000 + b'</svg>'
    yield 'entities.svg', b'<!DOCTYPE svg [<!ENTITY a "<g/>">' + b''.join(
        b'<!ENTITY %c "%s">' % (98 + i, b'&%c;' % (97 + i) * 10) for i in range(9)) + b']>' + svg + b'&j;</svg>'
    yield 'use.svg', svg + b''.join(b'<g id="g%d">%s</g>' % (i, b'<use xlink:href="#g%d"/>' % (i - 1) * 10 if i else b'<rect width="9" height="9"/>')
                                    for i in range(12)) + b'</svg>'
    yield 'filter.svg', svg.replace(b'64', b'5000') + b'<filter id="f">' + b'<feTurbulence numOctaves="9999"/><feGaussianBlur stdDeviation="999"/>' * 20 + \
        b'</filter><rect filter="url(#f)" width="5000" height="5000"/></svg>'
    yield 'canvas.svg', svg.replace(b'"64"', b'"999999999"') + b'</svg>'
    yield 'files.svg', svg + b'<image xlink:href="file:///etc/passwd" width="9" height="9"/><style>@import url("http://127.0.0.1:1/");</style></svg>'
    yield 'path.svg', svg + b'<path d="M0 0' + b'l1 1 1 -1' * 300000 + b'"/></svg>'
    yield 'form.pdf', pdf([b'<</Type/Catalog/Pages 2 0 R>>', b'<</Type/Pages/Kids[3 0 R]/Count 1>>',
                           b'<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</XObject<</A 4 0 R/B 4 0 R>>>>>>',
                           b'<</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</A 4 0 R/B 4 0 R>>>>/Length 10>>stream\n/A Do /B Do\nendstream'])
    yield 'kids.pdf', pdf([b'<</Type/Catalog/Pages 2 0 R>>', b'<</Type/Pages/Kids[' + b'2 0 R ' * 9999 + b']/Count 99999999>>'])
    yield 'box.pdf', pdf([b'<</Type/Catalog/Pages 2 0 R>>', b'<</Type/Pages/Kids[3 0 R]/Count 1>>',
                          b'<</Type/Page/Parent 2 0 R/MediaBox[0 0 99999999 99999999]>>'])


def pdf(objects):
    out, at = b'%PDF-1.4\n', []
    for i, o in enumerate(objects):
        at.append(len(out))
        out += b'%d 0 obj%s\nendobj\n' % (i + 1, o)
    table = b'xref\n0 %d\n0000000000 65535 f \n' % (len(at) + 1) + b''.join(b'%010d 00000 n \n' % a for a in at)
    return out + table + b'trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF' % (len(at) + 1, len(out))


def movies(good):
    ftyp = boxes(b'ftyp', b'isom\0\0\0\0isom')

    def full(kind, body):
        return boxes(kind, bytes(4), body)

    def track(table, width=64, height=64):
        entry = boxes(b'avc1', bytes(6) + b'\0\x01' + bytes(16) + struct.pack('>HH', width, height) + bytes(50))
        stbl = boxes(b'stbl', full(b'stsd', struct.pack('>I', 1) + entry), *table)
        minf = boxes(b'minf', full(b'vmhd', bytes(8)), stbl)
        mdia = boxes(b'mdia', full(b'mdhd', struct.pack('>IIIII', 0, 0, 1000, 0xffffffff, 0)), full(b'hdlr', bytes(4) + b'vide' + bytes(13)), minf)
        return boxes(b'trak', mdia)
    endless = [full(b'stsz', struct.pack('>II', 1, 0xffffffff)), full(b'stts', struct.pack('>III', 1, 0xffffffff, 1)),
               full(b'stsc', struct.pack('>IIII', 1, 1, 0xffffffff, 1)), full(b'stco', struct.pack('>II', 1, 8))]
    yield 'index.mp4', ftyp + boxes(b'moov', track(endless)) + boxes(b'mdat', bytes(5000))
    yield 'size.mp4', ftyp + boxes(b'moov', track(endless, 65535, 65535)) + boxes(b'mdat', bytes(5000))
    yield 'tracks.mp4', ftyp + boxes(b'moov', track(endless) * 5000) + boxes(b'mdat', bytes(5000))
    nested = b''
    for _ in range(20000):
        nested = boxes(b'moov', nested)
    yield 'nested.mp4', ftyp + nested
    fragments = boxes(b'moof', boxes(b'traf', full(b'tfhd', struct.pack('>I', 1)), full(b'trun', struct.pack('>I', 0xffffffff)) * 100))
    yield 'fragments.mp4', ftyp + boxes(b'moov', track([])) + fragments * 2000
    yield 'playlist.mp4', ftyp + b'#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'
    reference = boxes(b'dinf', full(b'dref', struct.pack('>I', 1) + full(b'url ', b'file:///etc/passwd\0')))
    yield 'reference.mov', boxes(b'ftyp', b'qt  \0\0\0\0qt  ') + boxes(b'moov', track(endless + [reference]))
    yield 'endless.mkv', b'\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska' + b'\x18\x53\x80\x67\x01' + b'\xff' * 7 + (
        b'\x1f\x43\xb6\x75\x01' + b'\xff' * 7 + b'\xe7\x81\0') * 200000
    yield 'void.mkv', b'\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska' + b'\x18\x53\x80\x67\x01' + b'\xff' * 7 + b'\xec\x80' * 2000000
    yield 'index.avi', b'RIFF' + struct.pack('<I', 0xffffffff) + b'AVI LIST' + struct.pack('<I', 0xfffffff0) + b'hdrlidx1' + struct.pack('<I', 0x7fffffff) + bytes(2000000)
    yield 'null.mts', (b'\x47\x1f\xff\x10' + bytes(184)) * 20000
    yield 'tables.mts', (b'\x47\x40\0\x10\0\0\xb0\xb4' + b'\0\x01\xe1\0' * 45) * 20000
    yield 'packs.mpg', b'\0\0\x01\xba' + b'\x44' + bytes(9) + b'\0\0\x01\xe0\0\0' * 400000
    yield 'objects.wmv', b'\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c' + struct.pack('<QIBB', 2 ** 63, 2 ** 32 - 1, 1, 2) + bytes(90000)
    dice = random.Random(4)
    for i in range(8):
        changed = bytearray(good)
        for _ in range(3 + 10 * i):
            changed[dice.randrange(len(good))] = dice.randrange(256)
        yield 'changed%d.mp4' % i, bytes(changed)


def good(folder):
    for kind, how in (('jpg', {}), ('png', {}), ('gif', {}), ('webp', {}), ('tif', {'compression': 'tiff_lzw'}),
                      ('bmp', {}), ('jp2', {})):
        samples.rgb().save(os.path.join(folder, 'good-.' + kind), **how)
    put = samples.Put(folder)
    put('good-dib.ico', samples.ico([(samples.dib(64, 64, 32), 64, 64, 32), (samples.png(samples.rgb()), 128, 96, 32)]))
    a = samples.fields()
    put('good-.psd', samples.psd(3, [a[:, :, c] for c in range(3)]))
    still = os.path.join(folder, 'still.png')
    samples.rgb().save(still)
    for name, how in (('good-.mp4', '-c:v libx264 -pix_fmt yuv420p'), ('good-.webm', '-c:v libvpx -deadline realtime'),
                      ('good-.avi', '-c:v mpeg4'), ('good-.mpg', '-c:v mpeg2video'), ('good-.mts', '-c:v libx264 -pix_fmt yuv420p -f mpegts')):
        subprocess.run(['ffmpeg', '-v', 'error', '-y', '-loop', '1', '-framerate', '25', '-t', '1', '-i', still] + how.split() +
                       [os.path.join(folder, name)], check=True, stdin=subprocess.DEVNULL)
    os.unlink(still)
    samples.moving(put)
    for kind in ('avif', 'jxl', 'gif'):
        os.rename(os.path.join(folder, 'moving.' + kind), os.path.join(folder, 'good-moving.' + kind))
    out = io.BytesIO()
    samples.rgb(320, 240).save(out, 'JPEG')
    put('good-preview.dng', dng(out.getvalue()) + bytes(640 * 480 * 2))
    put('good-sensor.dng', dng(b'none') + random.Random(8).randbytes(640 * 480 * 2))

    def read(name):
        with open(os.path.join(folder, name), 'rb') as f:
            return f.read()
    return read('good-.mp4'), out.getvalue(), read('good-moving.avif'), read('good-moving.jxl'), read('good-.jp2')


def main():
    put = samples.Put(sys.argv[1])
    movie, jpeg, avif, jxl, jp2 = good(sys.argv[1])
    for family in (pngs(), gifs(), jpegs(), tiffs(), heifs(), jpeg2000(), others(), icos(), psds(), drawings(), movies(movie),
                   raws(jpeg), sequences(avif, jxl), changed(('', 'jp2'), jp2, random.Random(9))):
        for name, data in family:
            put('evil-' + name, data)


if __name__ == '__main__':
    sys.dont_write_bytecode = True
    main()
