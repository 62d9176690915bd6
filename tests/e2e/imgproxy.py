# SPDX-License-Identifier: Apache-2.0
"""URLs of the imgproxy door, signed as imgproxy's clients sign them, and an origin that tests can look at."""
import base64
import hashlib
import hmac
import http.server
import threading

KEY, SALT = "73656372657468657265", "68656c6c6f"


def b64(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def sign(path, key=KEY, salt=SALT):
    """path begins with a slash; the signed path, to be put behind the prefix."""
    mac = hmac.new(bytes.fromhex(key), bytes.fromhex(salt) + path.encode(), hashlib.sha256).digest()
    return "/" + base64.urlsafe_b64encode(mac).decode().rstrip("=") + path


class Origin:
    """Answers of another server by path: (status, headers, body); every request is noted in .seen."""

    def __init__(self):
        self.pages = {}
        self.seen = []
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                origin.seen.append((self.path, dict(self.headers)))
                status, headers, body = origin.pages.get(self.path, (404, {}, b"no"))
                if callable(body):
                    return body(self)
                if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
                    status, body = 304, b""
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
