# SPDX-License-Identifier: Apache-2.0
"""What only a worker can tell, under `albumen imgproxy`: facts, and an SVG that stays one."""
from imgproxy_daemon import Imgproxy, write_photos


def test_facts_and_clean_drawings(tmp_path):
    folder = write_photos(tmp_path / "local")
    (folder / "d.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20" onload="evil()">'
                                  '<script>evil()</script><rect width="40" height="20"/></svg>')
    with Imgproxy(tmp_path / "cache", LOCAL_FILESYSTEM_ROOT=folder) as server:
        facts = server.get("/info/x/plain/local:///1.jpg")
        assert facts.status_code == 200 and facts.json()["format"] == "jpeg", facts.text
        drawing = server.get("/x/plain/local:///d.svg")
        assert drawing.status_code == 200 and "<rect" in drawing.text and "evil" not in drawing.text, drawing.text
        assert drawing.headers["Content-Type"] == "image/svg+xml"
        assert server.get("/health").status_code == 200
        server.stop()
