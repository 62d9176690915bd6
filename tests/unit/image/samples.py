#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pictures of known colours in formats that libvips does not write, for test_darkroom_kinds: samples.py FOLDER.

Every picture has four fields: red, green above blue, grey (FIELDS). Names say what is special: NAME.ENDING.
"""
import io
import os
import struct
import subprocess
import sys
import zlib

import numpy
from PIL import Image, ImageCms

W, H = 128, 96
FIELDS = ((200, 30, 40), (30, 180, 60), (40, 50, 190), (128, 128, 128))


def fields(width=W, height=H, colours=FIELDS):
    a = numpy.zeros((height, width, len(colours[0])), numpy.float64)
    for i, c in enumerate(colours):
        y, x = (i // 2) * (height // 2), (i % 2) * (width // 2)
        a[y:y + height // 2 if i < 2 else height, x:x + width // 2 if i % 2 == 0 else width] = c
    return a


def rgb(width=W, height=H):
    return Image.fromarray(fields(width, height).astype(numpy.uint8), 'RGB')


def packbits(row):
    out, i = bytearray(), 0
    while i < len(row):
        n = 1
        while i + n < len(row) and n < 128 and row[i + n] == row[i]:
            n += 1
        if n > 1:
            out += bytes((257 - n, row[i]))
        else:
            while i + n < len(row) and n < 128 and row[i + n] != row[i + n - 1]:
                n += 1
            out += bytes((n - 1,)) + row[i:i + n]
        i += n
    return bytes(out)


def psd(mode, planes, depth=8, runs=True, large=False, palette=b'', resources=b'', transparent=False):
    """planes: arrays of height x width, already in the words of the format."""
    height, width = planes[0].shape
    kind = {8: '>u1', 16: '>u2'}[depth]
    head = b'8BPS' + struct.pack('>H6xHIIHH', 2 if large else 1, len(planes), height, width, depth, mode)
    count = '>Q' if large else '>I'
    layer = struct.pack('>h', -1) + bytes(6) if transparent else b''
    layers = struct.pack(count, len(layer)) + layer if layer else b''
    body = struct.pack('>I', len(palette)) + palette + struct.pack('>I', len(resources)) + resources
    body += struct.pack(count, len(layers)) + layers + struct.pack('>H', 1 if runs else 0)
    rows = [p[y].astype(kind).tobytes() for p in planes for y in range(height)]
    if runs:
        rows = [packbits(r) for r in rows]
        body += b''.join(struct.pack('>I' if large else '>H', len(r)) for r in rows)
    return head + body + b''.join(rows)


def resource(number, data):
    return b'8BIM' + struct.pack('>HHI', number, 0, len(data)) + data + b'\0' * (len(data) % 2)


def icc_matrix(white, primaries, gamma):
    """An RGB profile of primaries (xy), adapted to D50 by Bradford, with one curve."""
    def xyz(x, y):
        return numpy.array([x / y, 1.0, (1 - x - y) / y])
    bradford = numpy.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = numpy.array([0.9642, 1.0, 0.8249])
    w = xyz(*white)
    m = numpy.array([xyz(*p) for p in primaries]).T
    m = m * numpy.linalg.solve(m, w)
    adapt = numpy.linalg.inv(bradford) @ numpy.diag((bradford @ d50) / (bradford @ w)) @ bradford
    m = adapt @ m

    def s15(v):
        return struct.pack('>i', int(round(v * 65536)))

    def xyz_tag(v):
        return b'XYZ \0\0\0\0' + b''.join(s15(c) for c in v)
    curve = b'curv\0\0\0\0' + struct.pack('>IH', 1, int(round(gamma * 256))) + b'\0\0'
    text = b'desc\0\0\0\0' + struct.pack('>I', 5) + b'test\0' + bytes(79)
    tags = [(b'desc', text + b'\0' * (-len(text) % 4)), (b'wtpt', xyz_tag(d50)), (b'rXYZ', xyz_tag(m[:, 0])),
            (b'gXYZ', xyz_tag(m[:, 1])), (b'bXYZ', xyz_tag(m[:, 2])), (b'rTRC', curve), (b'gTRC', curve),
            (b'bTRC', curve), (b'cprt', b'text\0\0\0\0none\0\0\0\0')]
    at, table, data = 132 + 12 * len(tags), b'', b''
    for name, d in tags:
        table += name + struct.pack('>II', at + len(data), len(d))
        data += d
    size = at + len(data)
    head = struct.pack('>I4sI4s4s4s12x4s', size, b'none', 0x02100000, b'mntr', b'RGB ', b'XYZ ', b'acsp')
    head += bytes(28) + s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b'\0') + struct.pack('>I', len(tags)) + table + data, m


def in_space(m, gamma):
    """The four fields as values of that space, 0..1."""
    v = numpy.array(FIELDS) / 255.0
    lin = numpy.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    srgb = icc_matrix((0.3127, 0.3290), ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), 2.2)[1]
    out = (numpy.linalg.inv(m) @ srgb @ lin.T).T
    return numpy.clip(out, 0, 1) ** (1 / gamma)


def ico(pictures, cursor=False):
    """pictures: (bytes, width, height, bits)"""
    at, table, data = 6 + 16 * len(pictures), b'', b''
    for p, w, h, bits in pictures:
        table += struct.pack('<BBBBHHII', w % 256, h % 256, 0, 0, 1, bits, len(p), at + len(data))
        data += p
    return struct.pack('<HHH', 0, 2 if cursor else 1, len(pictures)) + table + data


def dib(width, height, bits, masked=False):
    """A bitmap of an icon; the lower right field is transparent if masked (bits 32: by alpha, else by the mask)."""
    a = fields(width, height).astype(numpy.uint8)[::-1]
    head = struct.pack('<IiiHHIIiiII', 40, width, 2 * height, 1, bits, 0, 0, 0, 0, 0, 0)
    hole = numpy.zeros((height, width), bool)
    hole[height // 2:, width // 2:] = masked
    hole = hole[::-1]
    index = numpy.zeros((height, width), numpy.uint8)
    for i, c in enumerate(FIELDS):
        index[(a == c).all(2)] = i
    rows = b''
    for y in range(height):
        if bits == 32:
            alpha = numpy.where(hole[y], 0, 255).astype(numpy.uint8)
            row = numpy.concatenate([a[y][:, ::-1], alpha[:, None]], 1).tobytes()
        elif bits == 24:
            row = a[y][:, ::-1].tobytes()
        elif bits == 16:
            r, g, b = (a[y][:, c].astype(numpy.uint16) >> 3 for c in range(3))
            row = (r << 10 | g << 5 | b).astype('<u2').tobytes()
        elif bits == 8:
            row = index[y].tobytes()
        elif bits == 4:
            row = (index[y][0::2] << 4 | index[y][1::2]).astype(numpy.uint8).tobytes()
        else:
            row = numpy.packbits(index[y] > 1).tobytes()
        rows += row + b'\0' * (-len(row) % 4)
    palette = b''
    if bits <= 8:
        colours = [FIELDS[0], FIELDS[2]] if bits == 1 else list(FIELDS)
        for c in colours + [(0, 0, 0)] * ((1 << bits) - len(colours)):
            palette += bytes((c[2], c[1], c[0], 0))
    mask = b''
    for y in range(height):
        row = numpy.packbits(hole[y] if bits < 32 else numpy.zeros(width, bool)).tobytes()
        mask += row + b'\0' * (-len(row) % 4)
    return head + palette + rows + mask


def png(image, **how):
    out = io.BytesIO()
    image.save(out, 'PNG', **how)
    return out.getvalue()


def icons(put):
    for bits in (4, 8, 16, 24, 32):
        put('dib%d.ico' % bits, ico([(dib(W, H, bits), W, H, bits)]))
        put('masked%d.ico' % bits, ico([(dib(W, H, bits, True), W, H, bits)]))
    put('onebit.ico', ico([(dib(W, H, 1), W, H, 1)]))
    put('png.ico', ico([(png(rgb()), W, H, 32)]))
    put('cursor.ico', ico([(dib(W, H, 32), W, H, 32)], cursor=True))
    sizes = ((16, 16), (64, 64), (256, 256), (32, 32), (48, 48), (128, 128))
    put('many.ico', ico([(dib(w, h, 32) if w < 256 else png(rgb(w, h)), w, h, 32) for w, h in sizes]))


def photoshop(put):
    a = fields()
    r, g, b = (a[:, :, c] for c in range(3))
    grey = numpy.full((H, W), 128.0)
    alpha = numpy.full((H, W), 255.0)
    alpha[H // 2:, W // 2:] = 0
    put('rgb.psd', psd(3, [r, g, b]))
    put('raw.psd', psd(3, [r, g, b], runs=False))
    put('large.psd', psd(3, [r, g, b], large=True))
    put('deep.psd', psd(3, [p * 257 for p in (r, g, b)], depth=16))
    put('deepraw.psd', psd(3, [p * 257 for p in (r, g, b)], depth=16, runs=False))
    put('masked.psd', psd(3, [r, g, b, alpha], transparent=True))
    put('selection.psd', psd(3, [r, g, b, alpha]))
    put('grey.psd', psd(1, [grey]))
    put('duotone.psd', psd(8, [grey]))
    index = numpy.zeros((H, W))
    for i, c in enumerate(FIELDS):
        index[(a == c).all(2)] = i
    palette = b''.join(bytes([c[k] for c in FIELDS] + [0] * 252) for k in range(3))
    put('indexed.psd', psd(2, [index], palette=palette))
    adobe, m = icc_matrix((0.3127, 0.3290), ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), 2.19921875)
    v = [tuple(c) for c in in_space(m, 2.19921875) * 65535]
    d = fields(colours=v)
    put('adobe.psd', psd(3, [d[:, :, c] for c in range(3)], depth=16, resources=resource(1039, adobe)))
    put('lab.psd', psd(9, [r, g, b]))
    put('empty.psd', psd(3, [r, g, b], resources=resource(1057, struct.pack('>IBIII', 1, 0, 0, 0, 1))))


def palettes(put):
    p = rgb().quantize(8)
    put('palette.png', png(p))
    index = p.getpixel((W - 4, H - 4))
    put('masked_trns.png', png(p, transparency=index))
    put('rgb.bmp', b'')
    rgb().save(os.path.join(put.folder, 'rgb.bmp'))
    p.save(os.path.join(put.folder, 'palette.bmp'))
    p.save(os.path.join(put.folder, 'palette.tif'))
    adobe, m = icc_matrix((0.3127, 0.3290), ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), 2.19921875)
    v = [tuple(c) for c in in_space(m, 2.19921875) * 255 + 0.5]
    image = Image.fromarray(fields(colours=v).astype(numpy.uint8), 'RGB')
    put('adobe.png', png(image, icc_profile=adobe))
    image.save(os.path.join(put.folder, 'adobe.jpg'), quality=95, subsampling=0, icc_profile=adobe)


VIDEOS = (
    ('h264.mp4', '-c:v libx264 -pix_fmt yuv420p'),
    ('h264_709.mov', '-vf scale=out_color_matrix=bt709 -colorspace bt709 -c:v libx264 -pix_fmt yuv420p'),
    ('full.mp4', '-vf scale=out_range=full -color_range pc -c:v libx264 -pix_fmt yuvj420p'),
    ('ten_bits.mp4', '-c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none'),
    ('mpeg4.avi', '-c:v mpeg4 -q:v 2'),
    ('vp9.webm', '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 20'),
    ('vp8.mkv', '-c:v libvpx -deadline realtime -crf 10 -b:v 1M'),
    ('av1.mp4', '-c:v libaom-av1 -cpu-used 8 -usage realtime -crf 20'),
    ('mpeg2.mpg', '-c:v mpeg2video -q:v 2'),
    ('h264.mts', '-c:v libx264 -pix_fmt yuv420p -f mpegts'),
    ('wmv.wmv', '-c:v wmv2 -q:v 2'),
    ('phone.3gp', '-c:v mpeg4 -q:v 2'),
    ('prores.mov', '-c:v prores -pix_fmt yuv422p10le'),
)


def videos(put):
    """Two seconds: black for 0.4 s, then the fields; a still second half in grey (for times)."""
    first, still, last = (os.path.join(put.folder, n) for n in ('.black.png', '.fields.png', '.grey.png'))
    Image.new('RGB', (W, H)).save(first)
    rgb().save(still)
    Image.new('RGB', (W, H), (128, 128, 128)).save(last)
    parts = []
    for path, seconds in ((first, '0.4'), (still, '1.2'), (last, '0.8')):
        parts += ['-loop', '1', '-framerate', '10', '-t', seconds, '-i', path]
    jobs = []
    for name, how in VIDEOS:
        matrix = 'scale=out_color_matrix=bt601' if 'matrix' not in how and 'range' not in how else None
        chain = '[0][1][2]concat=n=3:v=1'
        words = how.split()
        if '-vf' in words:
            i = words.index('-vf')
            chain += ',' + words[i + 1]
            del words[i:i + 2]
        elif matrix:
            chain += ',' + matrix
        out = os.path.join(put.folder, name)
        jobs.append(['ffmpeg', '-v', 'error', '-y', '-threads', '1'] + parts +
                    ['-filter_complex', chain, '-g', '4'] + words + ['-threads', '1', out])
    for job in jobs:
        subprocess.run(job, check=True, stdin=subprocess.DEVNULL)
    source = os.path.join(put.folder, 'h264.mp4')
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', source, '-c', 'copy', '-metadata:s:v:0', 'rotate=270',
                    os.path.join(put.folder, 'turned.mp4')], check=True, stdin=subprocess.DEVNULL)
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', source, '-c', 'copy', '-aspect', '8:3',
                    os.path.join(put.folder, 'wide.mp4')], check=True, stdin=subprocess.DEVNULL)


def light():
    """The fields as linear light in the primaries of sRGB (to XYZ of D50), and that matrix."""
    v = numpy.array(FIELDS) / 255.0
    lin = numpy.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    return lin, icc_matrix((0.3127, 0.3290), ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), 2.2)[1]


def in_primaries(primaries):
    lin, srgb = light()
    m = icc_matrix((0.3127, 0.3290), primaries, 2.2)[1]
    return numpy.clip((numpy.linalg.inv(m) @ srgb @ lin.T).T, 0, None)


def pq(v):
    """BT.2100: v is light, 1 = 203 cd/m2."""
    y = (v * 203 / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)


def hlg(v):
    v = v * 203 / 1000
    y = v @ numpy.array((0.2627, 0.6780, 0.0593))
    e = v / numpy.maximum(y, 1e-9)[:, None] ** (0.2 / 1.2)
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * numpy.log(4 * a)
    return numpy.where(e <= 1 / 12, numpy.sqrt(3 * e), a * numpy.log(numpy.maximum(12 * e - b, 1e-9)) + c)


def srgb_curve(v):
    return numpy.where(v <= 0.0031308, 12.92 * v, 1.055 * numpy.maximum(v, 1e-9) ** (1 / 2.4) - 0.055)


def wide(put):
    """Pictures whose numbers mean other colours than those of sRGB, which only numbers (CICP) tell: libav writes them."""
    bt2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
    p3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
    raw = os.path.join(put.folder, '.wide.rgb')
    for name, values, curve, primaries in (
            ('pq', pq(in_primaries(bt2020)), 'smpte2084', 'bt2020'),
            ('hlg', hlg(in_primaries(bt2020)), 'arib-std-b67', 'bt2020'),
            ('p3', srgb_curve(in_primaries(p3)), 'iec61966-2-1', 'smpte432')):
        put('.wide.rgb', fields(colours=[tuple(c) for c in values * 65535 + 0.5]).astype('<u2').tobytes())
        matrix = 'bt2020' if primaries == 'bt2020' else 'bt709'
        start = ['ffmpeg', '-v', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'rgb48le', '-s', '%dx%d' % (W, H), '-i', raw,
                 '-vf', 'scale=out_color_matrix=%s:out_range=tv:flags=accurate_rnd' % matrix, '-pix_fmt', 'yuv420p10le', '-color_trc', curve,
                 '-color_primaries', primaries, '-colorspace', 'bt2020nc' if matrix == 'bt2020' else 'bt709',
                 '-color_range', 'tv', '-frames:v', '1']
        ends = {'.avif': ['-c:v', 'libaom-av1', '-still-picture', '1', '-cpu-used', '8', '-crf', '10']}
        if name != 'p3':
            ends['.mp4'] = ['-c:v', 'libx265', '-x265-params', 'log-level=none:crf=10']
        for ending, how in ends.items():
            subprocess.run(start + how + [os.path.join(put.folder, name + ending)], check=True, stdin=subprocess.DEVNULL)


def want(put, name, colours):
    """What the fields of a sample are to look like: NAME.want."""
    put(name + '.want', b''.join(b'%d %d %d %d\n' % tuple(int(round(v)) for v in (*c, 255)[:4]) for c in colours))


def png16(image, profile=b''):
    """image: height x width x 3 of 16 bits"""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    rows = b''.join(b'\0' + row.tobytes() for row in image.astype('>u2'))
    out = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', image.shape[1], image.shape[0], 16, 2, 0, 0, 0))
    if profile:
        out += chunk(b'iCCP', b'space\0\0' + zlib.compress(profile))
    return out + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')


def tiff16(image, profile=b'', big=False):
    """height x width x channels of 16 bits, in one strip; 4 channels: the last is transparency"""
    order, mark = ('>', b'MM\0*') if big else ('<', b'II*\0')
    height, width, n = image.shape
    data = image.astype(order + 'u2').tobytes()
    depths = struct.pack(order + '%dH' % n, *[16] * n)
    at = 8 + len(data)
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, n, at), (259, 3, 1, 1), (262, 3, 1, 2 if n > 2 else 1), (273, 4, 1, 8),
            (277, 3, 1, n), (278, 3, 1, height), (279, 4, 1, len(data))]
    if n == 1:
        tags[2] = (258, 3, 1, 16)
    if n == 4:
        tags.append((338, 3, 1, 2))
    if profile:
        tags.append((34675, 7, len(profile), at + len(depths)))
    out = b''
    for tag, kind, count, value in tags:
        out += struct.pack(order + 'HHI', tag, kind, count)
        out += struct.pack(order + 'HH', value, 0) if kind == 3 and count == 1 else struct.pack(order + 'I', value)
    behind = data + depths + profile + b'\0' * (len(profile) % 2)
    return mark + struct.pack(order + 'I', 8 + len(behind)) + behind + struct.pack(order + 'H', len(tags)) + out + bytes(4)


def lab(rgb):
    """sRGB 0..1 as Lab of D50"""
    lin = numpy.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x = light()[1] @ lin / numpy.array([0.9642, 1.0, 0.8249])
    f = numpy.where(x > 0.008856, numpy.cbrt(x), 7.787 * x + 16 / 116)
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def icc_press():
    """A press whose inks are not those of any other: its colours are given at the corners of the cube of four inks, with two
    places between (one way only: from ink to Lab)."""
    inks = numpy.array(((0.1, 0.55, 0.75), (0.8, 0.1, 0.45), (0.95, 0.85, 0.1), (0.12, 0.11, 0.1)))
    grid, table = 4, b''
    for at in numpy.ndindex(grid, grid, grid, grid):
        colour = numpy.ones(3)
        for ink, amount in zip(inks, at):
            colour = colour * (1 - (1 - ink) * amount / (grid - 1))
        l, a, b = lab(colour)
        table += struct.pack('>3H', *(int(round(v)) for v in (l * 652.8, (a + 128) * 256, (b + 128) * 256)))
    body = b'mft2\0\0\0\0' + bytes((4, 3, grid, 0)) + struct.pack('>9i', 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    body += struct.pack('>HH', 2, 2) + struct.pack('>2H', 0, 65535) * 4 + table + struct.pack('>2H', 0, 65535) * 3
    text = b'desc\0\0\0\0' + struct.pack('>I', 5) + b'test\0' + bytes(79)
    tags = [(b'desc', text), (b'wtpt', b'XYZ \0\0\0\0' + struct.pack('>3i', 63190, 65536, 54061)), (b'A2B0', body), (b'A2B1', body),
            (b'cprt', b'text\0\0\0\0none\0')]
    at, listed, data = 132 + 12 * len(tags), b'', b''
    for name, d in tags:
        d += b'\0' * (-len(d) % 4)
        listed += name + struct.pack('>II', at + len(data), len(d))
        data += d
    head = struct.pack('>I4sI4s4s4s12x4s', at + len(data), b'none', 0x02100000, b'prtr', b'CMYK', b'Lab ', b'acsp')
    head += bytes(28) + struct.pack('>3i', 63190, 65536, 54061)
    return head.ljust(128, b'\0') + struct.pack('>I', len(tags)) + listed + data


def without_adobe(jpeg):
    at = jpeg.index(b'\xff\xee')
    return jpeg[:at] + jpeg[at + 2 + struct.unpack('>H', jpeg[at + 2:at + 4])[0]:]


def press(put):
    """CMYK with a profile of its own; what it looks like is asked of Little CMS. JPEG: as Photoshop writes it (inverted), and so
    without Adobe's mark, which everybody takes for the same."""
    profile = icc_press()
    inks = ((20, 200, 180, 30), (190, 30, 220, 10), (210, 170, 20, 40), (90, 80, 80, 100))
    a = fields(colours=inks).astype(numpy.uint8)
    image = Image.fromarray(a, 'CMYK')
    seen = ImageCms.profileToProfile(image, io.BytesIO(profile), ImageCms.createProfile('sRGB'), renderingIntent=1, outputMode='RGB')
    colours = [seen.getpixel((W * (1 + 2 * (i % 2)) // 4, H * (1 + 2 * (i // 2)) // 4)) for i in range(4)]
    for name, change in (('inverted.jpg', bytes), ('unmarked.jpg', without_adobe)):
        out = io.BytesIO()
        image.save(out, 'JPEG', quality=98, icc_profile=profile)
        put(name, change(out.getvalue()))
        want(put, name, colours)
    image.save(os.path.join(put.folder, 'press.tif'), icc_profile=profile)
    want(put, 'press.tif', colours)


def depths(put):
    """16 and 10 bits, grey, palettes: written by hand or by programs that share nothing with libvips."""
    p3, m = icc_matrix((0.3127, 0.3290), ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), 2.2)
    deep = fields(colours=[tuple(c) for c in in_space(m, 2.2) * 65535 + 0.5])
    put('p3_16.png', png16(deep, p3))
    put('p3_16.tif', tiff16(deep, p3))
    image = Image.fromarray((deep / 257 + 0.5).astype(numpy.uint8), 'RGB')
    image.save(os.path.join(put.folder, 'p3.jpg'), quality=98, subsampling=0, icc_profile=p3)
    srgb = fields() * 257
    put('rgb_16.png', png16(srgb))
    put('big_endian.tif', tiff16(srgb, big=True))
    alpha = numpy.full((H, W, 1), 65535.0)
    alpha[H // 2:, W // 2:] = 0x4000
    put('alpha_16.tif', tiff16(numpy.concatenate([srgb, alpha], 2)))
    for name in ('p3_16.png', 'p3_16.tif', 'p3.jpg', 'rgb_16.png', 'big_endian.tif'):
        want(put, name, FIELDS)
    want(put, 'alpha_16.tif', [*FIELDS[:3], (*FIELDS[3], 0x40)])
    greys = ((40,), (120,), (200,), (255,))
    grey = fields(colours=greys)
    put('grey_16.tif', tiff16(grey * 257))
    Image.fromarray(grey[:, :, 0].astype(numpy.uint8), 'L').save(os.path.join(put.folder, 'grey.jpg'), quality=98)
    for name in ('grey_16.tif', 'grey.jpg'):
        want(put, name, [g * 3 for g in greys])
    faint = ((40, 255), (120, 200), (200, 100), (255, 10))
    put('grey_alpha.png', png(Image.fromarray(fields(colours=faint).astype(numpy.uint8), 'LA')))
    want(put, 'grey_alpha.png', [(g, g, g, a) for g, a in faint])
    p = rgb().quantize(8)
    faint = bytearray(b'\xff' * 8)
    for i, a in enumerate((255, 128, 60, 9)):
        faint[p.getpixel((W * (1 + 2 * (i % 2)) // 4, H * (1 + 2 * (i // 2)) // 4))] = a
    put('palette_alpha.png', png(p, transparency=bytes(faint)))
    want(put, 'palette_alpha.png', [(*c, a) for c, a in zip(FIELDS, (255, 128, 60, 9))])
    source = os.path.join(put.folder, 'rgb_16.png')
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', source, '-vf', 'scale=out_color_matrix=bt709:out_range=pc', '-pix_fmt', 'yuv444p10le',
                    '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'iec61966-2-1', '-color_range', 'pc', '-c:v',
                    'libaom-av1', '-still-picture', '1', '-cpu-used', '8', '-crf', '4', os.path.join(put.folder, 'ten.avif')],
                   check=True, stdin=subprocess.DEVNULL)
    subprocess.run(['heif-enc', '-q', '98', '-b', '10', '-p', 'chroma=444', '-o', os.path.join(put.folder, 'ten.heic'), source], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    for name in ('ten.avif', 'ten.heic'):
        want(put, name, FIELDS)


def thumbnails(put):
    """A HEIC with an embedded thumbnail of 160 x 120."""
    large, whole = (os.path.join(put.folder, n) for n in ('.large.png', 'thumbnail.heic'))
    rgb(640, 480).save(large)
    subprocess.run(['heif-enc', '-q', '90', '-t', '160', '-o', whole, large], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)


def sequences(put):
    """Animations in the clothes of pictures: AVIF with its still, HEVC without one."""
    still = os.path.join(put.folder, '.fields.png')
    avif, movie = (os.path.join(put.folder, n) for n in ('frames.avif', '.frames.mp4'))
    start = ['ffmpeg', '-v', 'error', '-y', '-loop', '1', '-framerate', '10', '-t', '0.5', '-i', still, '-vf',
             'scale=out_color_matrix=bt601', '-pix_fmt', 'yuv420p', '-c:v']
    for end in (['libaom-av1', '-cpu-used', '8', '-usage', 'realtime', avif],
                ['libx265', '-x265-params', 'log-level=none', movie]):
        subprocess.run(start + end, check=True, stdin=subprocess.DEVNULL)
    with open(movie, 'rb') as f:
        data = bytearray(f.read())
    data[8:12] = b'hevc'
    data[16:20] = b'msf1'
    put('frames.heic', data)


def moving(put):
    """Four frames, redder and redder, of 40, 120, 80 and 200 ms (ffmpeg knows no end of the last one)."""
    gif, jxl, avif = (os.path.join(put.folder, 'moving.' + n) for n in ('gif', 'jxl', 'avif'))
    pages = [Image.new('RGB', (W, H), (60 * i, 20, 180)) for i in range(4)]
    pages[0].save(gif, save_all=True, append_images=pages[1:], duration=(40, 120, 80, 200), loop=0)
    subprocess.run(['ffmpeg', '-v', 'error', '-y', '-i', gif, '-vsync', 'vfr', '-pix_fmt', 'yuv420p', '-c:v', 'libaom-av1',
                    '-cpu-used', '8', '-usage', 'realtime', avif], check=True, stdin=subprocess.DEVNULL)
    subprocess.run(['cjxl', gif, jxl], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Put:
    def __init__(self, folder):
        self.folder = folder

    def __call__(self, name, data):
        with open(os.path.join(self.folder, name), 'wb') as f:
            f.write(data)


def main():
    put = Put(sys.argv[1])
    for make in (icons, photoshop, palettes, videos, sequences, moving, wide, press, depths, thumbnails):
        make(put)


if __name__ == '__main__':
    main()
