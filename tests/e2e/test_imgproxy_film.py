# SPDX-License-Identifier: Apache-2.0
"""Frames of videos over HTTP: sheets (vtt) and animations (vta) of a film whose every second has a colour of its own."""
import io
import subprocess

import pytest
from PIL import Image, ImageSequence

from imgproxy_daemon import Imgproxy

COLOURS = [(220, 40, 40), (40, 200, 40), (40, 40, 220), (220, 220, 40), (200, 40, 200), (40, 200, 200), (230, 230, 230), (120, 120, 120)]
LEFT = 40  # this much of a frame, on the left, is white


def film(path, codec):
    raw = b"".join((b"\xff\xff\xff" * LEFT + bytes(c) * (160 - LEFT)) * 80 for c in COLOURS for _ in range(5))
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "160x80", "-r", "5", "-i", "-", "-vf",
                    "scale=out_color_matrix=bt601", "-g", "8", "-sc_threshold", "0", *codec.split(), str(path)], check=True, input=raw)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("films")
    film(root / "film.mp4", "-c:v libx264 -pix_fmt yuv420p -bf 2")
    film(root / "film.mkv", "-c:v libvpx -deadline realtime -b:v 2M -qmin 0 -qmax 20 -auto-alt-ref 0")
    film(root / "film.avi", "-c:v mpeg4 -q:v 2")
    film(root / "film.ts", "-c:v libx264 -pix_fmt yuv420p -f mpegts")
    film(root / "live.webm", "-c:v libvpx -deadline realtime -b:v 2M -qmin 0 -qmax 20 -auto-alt-ref 0 -f webm -live 1")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(root / "film.mp4"), "-c", "copy", "-metadata:s:v:0", "rotate=270",
                    str(root / "turned.mp4")], check=True, stdin=subprocess.DEVNULL)
    whole = (root / "film.mp4").read_bytes()
    (root / "cut.mp4").write_bytes(whole[:len(whole) // 3])
    for name, duration in (("endless.mp4", b"\x7f\xff\xff\xff"), ("none.mp4", b"\0\0\0\0")):
        (root / name).write_bytes(with_duration(whole, duration))
    Image.new("RGB", (64, 48), (9, 99, 199)).save(root / "still.png")
    with Imgproxy(tmp_path_factory.mktemp("run"), LOCAL_FILESYSTEM_ROOT=root) as one:
        yield one


def with_duration(mp4, duration):
    """The same film, whose every header tells another duration."""
    out = bytearray(mp4)
    for box, at in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        i = mp4.index(box)
        out[i + at:i + at + 4] = duration
    return bytes(out)


def get(server, options, name="film.mp4", end="png"):
    answer = server.get(f"/_/{options}/plain/local:///{name}@{end}")
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return Image.open(io.BytesIO(answer.content))


def is_colour(image, at, colour, tolerance=25):
    seen = image.convert("RGB").getpixel(at)
    assert all(abs(a - b) <= tolerance for a, b in zip(seen, colour)), (at, seen, colour)


def is_sheet(image, columns, colours, width, height, at=(0.7, 0.5)):
    for i, colour in enumerate(colours):
        x, y = i % columns * width + int(at[0] * width), i // columns * height + int(at[1] * height)
        is_colour(image, (x, y), colour)


@pytest.mark.parametrize("name", ("film.mp4", "film.mkv", "film.avi", "film.ts", "live.webm"))
def test_a_sheet_has_a_frame_of_every_step(server, name):
    image = get(server, "vts:0.5/vtt:1:4:2:80:40", name)
    assert image.size == (320, 80)
    is_sheet(image, 4, COLOURS, 80, 40)
    is_sheet(image, 4, [(255, 255, 255)] * 8, 80, 40, (0.1, 0.5))


@pytest.mark.parametrize("name", ("film.mp4", "film.mkv", "live.webm"))
def test_a_negative_step_spreads_the_frames(server, name):
    image = get(server, "vts:0.5/vtt:-1:2:2:80:40", name)  # 8 s in four
    assert image.size == (160, 80)
    is_sheet(image, 2, COLOURS[::2], 80, 40)


def test_a_small_step_takes_a_frame_twice(server):
    image = get(server, "vts:1.5/vtt:0.01:3:1:80:40")
    is_sheet(image, 3, [COLOURS[1]] * 3, 80, 40)


def test_tiles_fit_fill_and_extend(server):
    assert get(server, "vts:0.5/vtt:1:2:1:80:80").size == (160, 40), "as large as the frames"
    image = get(server, "vts:0.5/vtt:1:2:1:80:80:1")
    assert image.size == (160, 80)
    is_sheet(image, 2, COLOURS[:2], 80, 80)
    is_sheet(image, 2, [(0, 0, 0)] * 2, 80, 80, (0.5, 0.1))
    is_sheet(image, 2, [(0, 0, 0)] * 2, 80, 80, (0.5, 0.9))
    assert get(server, "vts:0.5/vtt:1:1:1:320:320").size == (320, 160), "a frame that is too small becomes larger"
    for focus, left in (("0:0.5", (255, 255, 255)), ("1:0.5", COLOURS[0]), ("", COLOURS[0])):
        image = get(server, f"vts:0.5/vtt:1:2:1:40:40:0:0:1:{focus}".rstrip(":"))
        assert image.size == (80, 40)
        is_colour(image, (5, 20), left)
        is_colour(image, (35, 20), COLOURS[0])


def test_unused_tiles_are_black_or_cut_off(server):
    image = get(server, "vts:5.5/vtt:1:4:3:80:40")
    assert image.size == (320, 120)
    is_sheet(image, 4, COLOURS[5:] + [(0, 0, 0)] * 9, 80, 40)
    image = get(server, "vts:5.5/vtt:1:4:3:80:40:0:1")
    assert image.size == (240, 40)
    is_sheet(image, 3, COLOURS[5:], 80, 40)
    image = get(server, "vts:3.5/vtt:1:4:3:80:40:0:1")
    assert image.size == (320, 80), "columns that a row uses stay"
    is_sheet(image, 4, COLOURS[3:] + [(0, 0, 0)] * 3, 80, 40)
    assert get(server, "vts:5.5/vtt:1:4:3:80:40:0:1", "live.webm").size == (240, 40)
    assert get(server, "vts:100/vtt:1:4:3:80:40:0:1").size == (80, 40), "the last frame, once"
    is_colour(get(server, "vts:100/vtt:1:4:3:80:40:0:1"), (60, 20), COLOURS[7])


def test_key_frames(server):
    image = get(server, "vts:1.5/vtk:1/vtt:1:2:1:80:40")  # every 8 frames: at 0, 1.6, 3.2
    assert image.size == (160, 40)
    is_sheet(image, 2, (COLOURS[0], COLOURS[1]), 80, 40)


def test_a_turned_film_is_upright(server):
    image = get(server, "vts:0.5/vtt:1:2:1:40:80", "turned.mp4")
    assert image.size == (80, 80)
    whole = get(server, "vts:0.5/w:40", "turned.mp4")
    for at in ((5, 5), (5, 75)):
        is_colour(image, at, whole.convert("RGB").getpixel(at))
    assert image.convert("RGB").getpixel((5, 5)) != image.convert("RGB").getpixel((5, 75))


def test_a_sheet_goes_through_the_other_options(server):
    image = get(server, "vts:0.5/vtt:1:4:2:80:40/rs:fit:40:160/rot:90")
    assert image.size == (40, 160)
    is_colour(image, (30, 15), COLOURS[0], 40)
    assert get(server, "vts:0.5/vtt:1:4:2:80:40/c:80:40:nowe").size == (80, 40)
    image = get(server, "vts:5.5/vtt:1:4:3:80:40:0:1/-/w:60")
    assert image.size == (60, 10)


@pytest.mark.parametrize("end", ("gif", "webp", "avif"))
def test_an_animation(server, end):
    if end == "avif":  # Pillow knows none of it
        answer = server.get("/_/vts:0.5/vta:1:250:4:80:40/plain/local:///film.mp4@avif")
        assert answer.status_code == 200 and answer.content[4:12] == b"ftypavis"
        return
    image = get(server, "vts:0.5/vta:1:250:4:80:40", end=end)
    assert image.format == end.upper()
    frames = [(f.convert("RGB"), f.info["duration"]) for f in ImageSequence.Iterator(image)]
    assert image.size == (80, 40) and len(frames) == 4
    for (frame, duration), colour in zip(frames, COLOURS):
        is_colour(frame, (60, 20), colour)
        assert duration == 250


def test_an_animation_extends_fills_trims_and_is_resized(server):
    image = get(server, "vts:0.5/vta:1:100:3:80:80:1/w:40", end="webp")
    assert image.size == (40, 40) and image.n_frames == 3
    is_colour(image, (30, 2), (0, 0, 0))
    is_colour(image, (30, 20), COLOURS[0])
    image = get(server, "vts:0.5/vta:1:100:3:40:40:0:0:1:0:0.5", end="webp")
    assert image.size == (40, 40)
    is_colour(image, (5, 20), (255, 255, 255))
    assert get(server, "vts:5.5/vta:1:100:10:80:40", end="webp").n_frames > 3
    assert get(server, "vts:5.5/vta:1:100:10:80:40:0:1", end="webp").n_frames == 3
    assert get(server, "vts:7.5/vta:1:100:10:80:40:0:1", end="webp").n_frames == 1
    assert get(server, "vts:0.5/vta:-1:100:4:80:40", end="gif").n_frames == 4


def test_what_cannot_move_has_a_frame_or_a_sheet(server):
    assert get(server, "vts:0.5/vta:1:100:3:80:40").size == (160, 80)
    assert get(server, "vts:0.5/vta:1:100:3:80:40/vtt:1:4:1:80:40").size == (320, 40)
    assert get(server, "da:1/vts:0.5/vta:1:100:3:80:40", end="gif").size == (160, 80)
    both = get(server, "vts:0.5/vta:1:100:3:80:40/vtt:1:4:1:80:40", end="gif")
    assert both.size == (80, 40) and both.n_frames == 3


def test_pictures_have_no_tiles(server):
    assert get(server, "vtt:1:4:2:80:40/vta:1:100:3:80:40", "still.png", "gif").size == (64, 48)
    assert get(server, "vtt:0:4:2:80:40/vts:0.5").size == (160, 80), "step 0 is off"


def test_durations_that_are_not_true(server):
    image = get(server, "vts:0.5/vtt:1:4:1:80:40", "endless.mp4")
    is_sheet(image, 4, COLOURS[:4], 80, 40)
    assert get(server, "vts:0.5/vtt:-1:2:2:80:40:0:1", "endless.mp4").size == (160, 80)
    image = get(server, "vts:0.5/vtt:1:4:3:80:40:0:1", "none.mp4")
    assert image.size == (320, 80), "its packets tell"
    is_sheet(image, 4, COLOURS, 80, 40)


@pytest.mark.parametrize("options, name, status", (
    ("vtt:1:200:200:2:1", "film.mp4", 422),  # 40,000 frames
    ("vtt:1:50:50:16000:16000:1", "film.mp4", 422),  # pixels
    ("vta:1:10:1000:16000:16000:1", "film.mp4", 422),
    ("vtt:1:1001:1:80:40", "film.mp4", 404),
    ("vtt:1:4:2:80", "film.mp4", 404),
    ("vtt:1:4:2:80:40", "cut.mp4", 422),
))
def test_refused(server, options, name, status):
    assert server.get(f"/_/{options}/plain/local:///{name}@webp").status_code == status
