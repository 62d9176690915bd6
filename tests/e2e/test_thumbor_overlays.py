# SPDX-License-Identifier: Apache-2.0
"""What the thumbor door lays over a picture: nested images, texts, frames; red eyes, resolutions, JPEG 2000."""
import io
import urllib.parse

import pytest
from PIL import Image, ImageChops, ImageDraw

from test_thumbor import House

GROUND, MARK = (200, 100, 50), (64, 128, 192)


def png(image):
    body = io.BytesIO()
    image.save(body, "PNG")
    return body.getvalue()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    h = House(tmp_path_factory.mktemp("overlays"))
    h.keep = lambda body: h.daemon.upload(body).headers["Albumen-Asset"]
    h.mark = h.keep(png(Image.new("RGB", (20, 10), MARK)))
    yield h
    h.daemon.stop()


def near(a, b, slack=2):
    return all(abs(x - y) <= slack for x, y in zip(a, b))


def quoted(text):
    return urllib.parse.quote(text, safe="")


# ---- outlines ----

RED, GREEN, BLACK = (255, 32, 32), (32, 255, 32), (0, 0, 0)


def test_debug_outlines_what_decides(house):
    """Of 100 x 68: what would be left, and the point that is to stay; nothing is cut, made smaller or flipped."""
    got = house.picture("debug/-50x50/filters:focal(90x34)/")
    assert got.size == (100, 68) and got.mode == "RGB"
    row = [got.getpixel((x, 10)) for x in range(100)]
    assert row[31] == GROUND and row[32:34] == [RED, RED] and row[34] == BLACK and row[35] == GROUND
    assert row[96:] == [GROUND, BLACK, RED, RED] and got.getpixel((60, 0)) == RED and got.getpixel((60, 67)) == RED
    assert got.getpixel((82, 34)) == GREEN and got.getpixel((98, 34)) == GREEN and got.getpixel((90, 26)) == GREEN
    assert house.picture("debug/fit-in/50x50/").tobytes() == house.picture("").tobytes()  # nothing would be cut
    told = house.get("debug/meta/50x50/" + house.flat).json()
    assert (told["width"], told["height"]) == (100, 68)
    assert house.get("params/unsafe/debug/8x8/a.jpg", signed=False).json()["debug"] is True


def test_debug_shows_where_the_eye_goes(house):
    for grey in (False, True):
        ground = Image.new("RGB", (400, 100), (90, 90, 90))
        ImageDraw.Draw(ground).ellipse((330, 30, 370, 70), fill=(255, 255, 0))
        asset = house.keep(png(ground.convert("L") if grey else ground))
        row = house.picture("debug/50x50/smart/", asset)
        line = [row.convert("RGB").getpixel((x, 5)) for x in range(400)]
        left, right = line.index(RED), 399 - line[::-1].index(RED)
        assert right - left == 99 and left <= 330 and right >= 370, (left, right)
        cut = house.picture("50x50/smart/", asset).convert("L")
        assert cut.getpixel((25, 25)) != cut.getpixel((0, 0))  # as the cut itself


def test_debug_of_what_moves_and_of_transparency(house):
    frames = [Image.new("RGB", (60, 40), (0, 0, 50 * n)) for n in range(3)]
    body = io.BytesIO()
    frames[0].save(body, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    got = house.picture("debug/10x40/left/filters:format(gif)/", house.keep(body.getvalue()))
    for n in range(got.n_frames):
        got.seek(n)
        assert near(got.convert("RGB").getpixel((0, 20)), RED, 12) and near(got.convert("RGB").getpixel((9, 20)), RED, 12)
    assert got.n_frames == 3
    clear = house.keep(png(Image.new("LA", (60, 40), (0, 0))))
    got = house.picture("debug/10x40/left/", clear).convert("RGBA")
    assert got.getpixel((0, 20)) == RED + (255,) and got.getpixel((30, 20))[3] == 0


# ---- nested images ----

def channel(mode, a, b):
    """W3C Compositing and Blending: a below, b above."""
    hard = lambda x, y: 2 * x * y if y <= 0.5 else 1 - 2 * (1 - x) * (1 - y)
    return {"normal": b, "multiply": a * b, "screen": a + b - a * b, "overlay": hard(b, a), "darken": min(a, b),
            "lighten": max(a, b), "color-dodge": min(1, a / (1 - b)), "color-burn": 1 - min(1, (1 - a) / b),
            "hard-light": hard(a, b), "difference": abs(a - b), "exclusion": a + b - 2 * a * b,
            "add": min(1, a + b)}[mode]


@pytest.mark.parametrize("mode", ["normal", "multiply", "screen", "overlay", "darken", "lighten", "color-dodge",
                                  "color-burn", "hard-light", "difference", "exclusion", "add", "no-such-mode"])
def test_blends(house, mode):
    got = house.picture(f"filters:image({house.mark},10,20,0,{mode})/")
    word = mode if mode != "no-such-mode" else "normal"
    want = tuple(round(255 * channel(word, a / 255, b / 255)) for a, b in zip(GROUND, MARK))
    assert got.mode == "RGB" and near(got.getpixel((15, 25)), want), (got.getpixel((15, 25)), want)
    assert got.getpixel((9, 25)) == GROUND and got.getpixel((30, 25)) == GROUND


def test_soft_light_lies_between(house):
    got = house.picture(f"filters:image({house.mark},0,0,0,soft-light)/").getpixel((5, 5))
    assert got != GROUND and got[0] < GROUND[0] and got[2] > GROUND[2]


def test_masks(house):
    inside = house.picture(f"filters:image({house.mark},10,20,0,mask)/")
    assert inside.getpixel((15, 25)) == GROUND + (255,) and inside.getpixel((50, 50))[3] == 0
    outside = house.picture(f"filters:image({house.mark},10,20,0,mask-out)/")
    assert outside.getpixel((15, 25))[3] == 0 and outside.getpixel((50, 50)) == GROUND + (255,)
    flat = house.picture(f"filters:image({house.mark},10,20,0,mask):format(jpg)/")
    assert near(flat.getpixel((80, 60)), (0, 0, 0)) and near(flat.getpixel((20, 25)), GROUND, 25)


def test_nested(house):
    fade = house.picture(f"filters:image({house.mark},0,0,50)/").getpixel((5, 5))
    assert near(fade, [(a + b) / 2 for a, b in zip(GROUND, MARK)])
    whole = house.picture(f"filters:image(stretch/f-10xf-8/{house.mark},center,center)/")
    assert near(whole.getpixel((6, 5)), MARK) and near(whole.getpixel((94, 63)), MARK)
    assert whole.getpixel((4, 30)) == GROUND and whole.getpixel((50, 3)) == GROUND
    smaller = house.picture(f"50x34/filters:image(fxfull/{house.mark}):grayscale()/")
    assert smaller.size == (50, 34)
    inner = quoted(f"stretch/30x30/filters:fill(red):image(stretch/10x10/filters:invert()/{house.mark},10,10)/{house.mark}")
    deep = house.picture(f"filters:image({inner},20,20)/")
    assert near(deep.getpixel((25, 25)), MARK) and near(deep.getpixel((35, 35)), [255 - v for v in MARK])
    assert deep.getpixel((60, 60)) == GROUND
    trimmed = house.keep(png(ImageChops.offset(Image.new("RGB", (40, 40), (255, 255, 255)), 0)))
    assert house.picture(f"filters:image(trim/{trimmed},0,0)/").getpixel((5, 5)) == (255, 255, 255)
    field = Image.new("RGB", (40, 40), (255, 255, 255))
    field.paste((0, 0, 255), (10, 10, 30, 30))
    cut = house.picture(f"filters:image(trim/{house.keep(png(field))},0,0)/")
    assert cut.getpixel((1, 1)) == (0, 0, 255) and cut.getpixel((21, 5)) == GROUND


def test_moving_layers(house):
    film = house.picture(f"filters:format(gif):image(60x60/{house.film},0,0)/", house.film)
    assert film.n_frames == 4
    still = house.picture(f"filters:image(60x60/{house.film},0,0)/")
    assert getattr(still, "n_frames", 1) == 1
    over = house.picture(f"filters:image(30x30/{house.mark},center,center)/", house.film)
    for i in range(over.n_frames):
        over.seek(i)
        assert near(over.convert("RGB").getpixel((60, 60)), MARK, 12)


def test_bounds_of_nesting(house):
    path = house.mark
    for _ in range(4):
        path = f"filters:image({path})/{house.mark}"
    assert house.get(f"filters:image({path})/" + house.flat).status_code == 400
    answer = house.get("filters:" + ":".join([f"image({house.mark})"] * 17) + "/" + house.flat)
    assert answer.status_code == 400 and "pictures on each other" in answer.json()["message"]
    assert house.get("filters:image(100x100/)/" + house.flat).status_code == 400
    assert house.get("filters:image(50x50/asset://01890a5d-ac96-774b-bcce-b302099a8057)/" + house.flat).status_code == 404
    assert house.get(f"filters:image(9000x9000/filters:padding(red,9000)/{house.mark})/" + house.flat).status_code == 422


# ---- texts ----

def ink(image, colour, slack=40):
    """The box of all pixels of nearly that colour."""
    flat = image.convert("RGB")
    mask = Image.new("L", flat.size)
    mask.putdata([255 * near(p, colour, slack) for p in flat.getdata()])
    return mask.getbbox()


def test_labels(house):
    left, top, right, bottom = ink(house.picture("filters:label(Hxg,10,20,30,00f)/"), (0, 0, 255))
    assert left >= 10 and top >= 20 and bottom <= 50 and bottom - top > 12
    box = ink(house.picture("filters:label(Hxg,right,bottom,20,00f)/"), (0, 0, 255))
    assert box[2] > 90 and box[3] > 55
    assert house.picture("filters:label(x,0,0)/").mode == "RGB"
    assert ink(house.picture("filters:label(x,500,0,20,00f)/"), (0, 0, 255)) is None


def test_markup_is_shown_as_it_is_if_it_is_none(house):
    plain = house.picture("filters:text(%s,0,0,sans-16,00f)/" % quoted("a&b <c"))
    escaped = house.picture("filters:text(%s,0,0,sans-16,00f)/" % quoted("a&amp;b &lt;c"))
    assert ink(plain, (0, 0, 255)) and plain.tobytes() == escaped.tobytes()
    bold = house.picture("filters:text(%s,0,0,sans-16,00f)/" % quoted("<b>HHH</b>"))
    assert ink(bold, (0, 0, 255))[2] > ink(house.picture("filters:text(HHH,0,0,sans-16,00f)/"), (0, 0, 255))[2]


def test_texts(house):
    page = house.keep(png(Image.new("RGB", (300, 200), (255, 255, 255))))
    words = "one+two+three+four+five+six"
    wide = ink(house.picture(f"filters:text({words},0,0,sans-9,00f,0,normal,60)/", page), (0, 0, 255), 90)
    line = ink(house.picture(f"filters:text({words},0,0,sans-9,00f)/", page), (0, 0, 255), 90)
    assert wide[2] <= 62 and wide[3] > 2 * line[3] and line[2] > 120
    small = ink(house.picture("filters:text(HH,0,0,sans-12,00f)/"), (0, 0, 255))
    large = ink(house.picture("filters:text(HH,0,0,sans-12,00f,0,normal,0,low,0,word,0,144)/"), (0, 0, 255))
    assert large[3] > 1.6 * small[3]
    for path in ("text(%FF,0,0)", "label(%00,0,0)", "text(x,0,0,sans-9999)", "label(x,0,0,9999)", "label(%s)" % ("x" * 1025)):
        answer = house.get(f"filters:{path}/" + house.flat)
        assert answer.status_code == 400 and answer.json()["message"], path


# ---- frames, eyes, vectors, JPEG 2000 ----

def test_frames(house):
    nine = Image.new("RGBA", (14, 14))
    draw = ImageDraw.Draw(nine)
    draw.rectangle((1, 1, 12, 12), fill=(0, 0, 160, 255))
    draw.rectangle((5, 5, 8, 8), fill=(0, 0, 0, 0))
    draw.point([(i, 0) for i in range(5, 9)] + [(0, i) for i in range(5, 9)], fill=(0, 0, 0, 255))
    plain = house.picture(f"filters:frame({house.keep(png(nine))})/").convert("RGB")
    assert plain.size == (100, 68)  # it says nothing of what is to be filled
    assert plain.getpixel((3, 30)) == (0, 0, 160) and plain.getpixel((4, 30)) == GROUND
    assert plain.getpixel((95, 30)) == GROUND and plain.getpixel((96, 30)) == (0, 0, 160)
    draw.point([(i, 13) for i in range(4, 10)] + [(13, i) for i in range(5, 9)], fill=(0, 0, 0, 255))
    padded = house.picture(f"filters:frame({house.keep(png(nine))})/").convert("RGB")
    assert padded.size == (106, 76)  # 3 and 4 pixels on each side
    assert padded.getpixel((2, 30)) == (0, 0, 160) and padded.getpixel((4, 5)) == GROUND
    assert padded.getpixel((0, 0)) == (0, 0, 160)
    assert house.get(f"filters:frame({house.keep(png(Image.new('RGB', (2, 2))))})/" + house.flat).status_code == 406


def test_red_eyes(house):
    face = Image.new("RGB", (300, 200), (225, 172, 145))
    draw = ImageDraw.Draw(face)
    for x in (100, 200):
        draw.ellipse((x - 28, 68, x + 28, 112), fill=(245, 245, 240))
        draw.ellipse((x - 9, 81, x + 9, 99), fill=(210, 30, 35))
    draw.ellipse((110, 150, 190, 175), fill=(190, 40, 50))
    got = house.picture("filters:red_eye()/", house.keep(png(face))).convert("RGB")
    assert near(got.getpixel((100, 90)), (32, 30, 35)) and near(got.getpixel((200, 90)), (32, 30, 35))
    assert got.getpixel((150, 160)) == (190, 40, 50) and got.getpixel((10, 10)) == (225, 172, 145)


def test_resolution_of_vectors(house):
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30" fill="red"/></svg>'
    asset = house.keep(svg)
    assert house.picture("filters:format(png)/", asset).size == (40, 30)
    assert house.picture("filters:format(png):dpi(144)/", asset).size == (80, 60)
    assert house.picture("filters:format(png):dpi(36)/", asset).size == (20, 15)
    assert house.picture("filters:dpi(144)/").size == (100, 68)


def test_jpeg_2000(house):
    answer = house.get("filters:format(jp2)/" + house.photo)
    assert answer.headers["Content-Type"] == "image/jp2" and answer.content[4:8] == b"jP  "
    fine = house.picture("filters:format(jp2):lossless()/")
    assert fine.size == (100, 68) and fine.getpixel((50, 30)) == GROUND
    assert len(house.get("filters:format(jp2):quality(10)/" + house.photo).content) < len(answer.content)
