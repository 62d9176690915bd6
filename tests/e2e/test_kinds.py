# SPDX-License-Identifier: Apache-2.0
"""Videos, Photoshop files and icons are shown like photos: a thumbnail over the real interface."""
import io
import os
import subprocess
import sys

import pytest
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "unit", "image"))
import samples  # noqa: E402
from imgproxy_daemon import Imgproxy  # noqa: E402


def see(daemon, data, name):
    answer = daemon.upload(data, filename=name)
    assert answer.status_code == 201, (answer.status_code, answer.text)
    asset = answer.headers["Albumen-Asset"]
    detail = daemon.get(f"/api/assets/{asset}").json()
    answer = daemon.get(f"/api/assets/{asset}/thumbnail")
    assert answer.status_code == 200, answer.text
    return detail, Image.open(io.BytesIO(answer.content)).convert("RGB"), answer.headers["Content-Type"]


def near(picture, fields):
    for i, want in enumerate(fields):
        got = picture.getpixel((picture.width * (1 + 2 * (i % 2)) // 4, picture.height * (1 + 2 * (i // 2)) // 4))
        assert all(abs(a - b) < 24 for a, b in zip(got, want)), (i, got, want)


@pytest.mark.parametrize("ending, how", (("mp4", "-c:v libx264 -pix_fmt yuv420p"), ("webm", "-c:v libvpx -deadline realtime")))
def test_a_video_is_shown_by_a_frame(shared_daemon, tmp_path, ending, how):
    still, movie = tmp_path / "still.png", tmp_path / f"movie.{ending}"
    samples.rgb(640, 480).save(still)
    command = ["ffmpeg", "-v", "error", "-loop", "1", "-framerate", "10", "-t", "2", "-i", str(still), "-vf",
               "scale=out_color_matrix=bt601"]
    subprocess.run(command + how.split() + [str(movie)], check=True, stdin=subprocess.DEVNULL)
    detail, picture, kind = see(shared_daemon, movie.read_bytes(), movie.name)
    assert detail["type"] == "VIDEO" and detail["thumbhash"]
    assert (detail["width"], detail["height"]) == (640, 480)
    assert kind == "image/jpeg" and picture.size == (512, 384)
    near(picture, samples.FIELDS)


def test_photoshop_and_icons(shared_daemon):
    a = samples.fields()
    data = samples.psd(3, [a[:, :, c] for c in range(3)])
    detail, picture, _ = see(shared_daemon, data, "layers.psd")
    assert detail["type"] == "IMAGE" and picture.size == (128, 96)
    near(picture, samples.FIELDS)
    data = samples.ico([(samples.dib(16, 16, 32), 16, 16, 32), (samples.dib(64, 64, 32), 64, 64, 32)])
    _, picture, _ = see(shared_daemon, data, "icon.ico")
    assert picture.size == (64, 64)
    near(picture, samples.FIELDS)


def frames_of(path):
    """Times in seconds and the red of each frame, by ffmpeg."""
    times = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "csv=p=0", str(path)],
                           check=True, capture_output=True, text=True).stdout.replace(",", " ").split()
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v:0", "-vsync", "passthrough", "-vf", "scale=1:1", "-f", "rawvideo",
                          "-pix_fmt", "rgb24", "-"], check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
    return [float(t) for t in times], list(raw[::3])


def test_what_moves_still_moves(tmp_path):
    """Animations of each kind as AVIF, seen by ffmpeg, and as WebP, seen by Pillow."""
    folder = tmp_path / "moving"
    folder.mkdir()
    samples.moving(samples.Put(str(folder)))
    with Imgproxy(tmp_path / "cache", LOCAL_FILESYSTEM_ROOT=folder, MAX_ANIMATION_FRAMES=50) as server:
        for kind in ("gif", "avif", "jxl"):
            answer = server.plain(f"local:///moving.{kind}", "rs:fit:64:64", "@avif")
            assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/avif"
            made = tmp_path / "made.avif"
            made.write_bytes(answer.content)
            times, reds = frames_of(made)
            assert times == [0, 0.04, 0.16, 0.24], kind
            assert all(abs(red - 60 * i) < 16 for i, red in enumerate(reds)) and len(reds) == 4, (kind, reds)
            answer = server.plain(f"local:///moving.{kind}", "rs:fit:64:64", "@webp")
            picture = Image.open(io.BytesIO(answer.content))
            assert picture.n_frames == 4 and picture.size == (64, 48) and picture.info["loop"] == 0, kind
            still = Image.open(io.BytesIO(server.plain(f"local:///moving.{kind}", "rs:fit:64:64", "@jpg").content))
            assert still.getpixel((30, 30))[0] < 16, kind
