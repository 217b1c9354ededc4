"""A video server with every vice, on loopback only.

    server = ViceServer(clip, tail_clip)         # bytes of an MP4 with its index first, and of one with its index last
    server.url("cut")                            # http://127.0.0.1:PORT/cut/7.mp4, fresh counters at each call
    server.requests("cut")                       # what was asked: [(path, range header or None)]

It listens on 127.0.0.1 (open) and on 127.0.0.2 (`private`: nobody may ever come). Each vice is one method; it gets a
Connection and the request and writes what it likes.
"""
import hashlib
import itertools
import re
import socket
import struct
import threading
import time


class Request:
    def __init__(self, method, path, headers):
        self.method, self.path, self.headers = method, path, headers
        parts = path.strip("/").split("/")
        self.vice, self.number = parts[0], parts[1] if len(parts) > 1 else ""

    def range(self, length):
        """First and one past the last byte asked for, or None."""
        m = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        if not m:
            return None
        return int(m[1]), min(int(m[2]) + 1 if m[2] else length, length)


class Gone(Exception):
    pass


class Connection:
    def __init__(self, sock, server):
        self.sock, self.server = sock, server

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as e:
            raise Gone from e

    def head(self, status, *lines):
        self.send("\r\n".join([f"HTTP/1.1 {status}", "Server: vice", *lines, "", ""]).encode())

    def pause(self, seconds):
        """Waits, but not beyond the end of the server."""
        if self.server.stopping.wait(seconds):
            raise Gone

    def cut(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Gone


class ViceServer:
    def __init__(self, clip, tail_clip, big=None, long=None, tls=None):
        self.clip, self.tail_clip = clip, tail_clip
        self.big, self.long = big or clip, long or clip
        self.tls = tls  # ssl.SSLContext: https
        self.log, self.lock, self.stopping = [], threading.Lock(), threading.Event()
        self.open_connections = 0
        self.private_connections = 0
        self.numbers = itertools.count(1)
        self.sockets = [self._listen("127.0.0.1", 0)]
        self.port = self.sockets[0].getsockname()[1]
        self.sockets.append(self._listen("127.0.0.2", self.port))
        self.threads = [threading.Thread(target=self._accept, args=(s, i), daemon=True)
                        for i, s in enumerate(self.sockets)]
        for t in self.threads:
            t.start()

    @staticmethod
    def _listen(host, port):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, port))
        s.listen(128)
        return s

    def url(self, vice, host="127.0.0.1"):
        return f"http{'s' if self.tls else ''}://{host}:{self.port}/{vice}/{next(self.numbers)}.mp4"

    def requests(self, url):
        path = "/" + url.split("/", 3)[3]
        with self.lock:
            return [r for r in self.log if r[0] == path]

    def close(self):
        self.stopping.set()
        for s in self.sockets:
            s.shutdown(socket.SHUT_RDWR)
            s.close()

    def _accept(self, listener, private):
        while not self.stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            if private:
                self.private_connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            sock = self.tls.wrap_socket(sock, server_side=True) if self.tls else sock
        except OSError:
            return
        connection = Connection(sock, self)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = sock.makefile("rb")
        with self.lock:
            self.open_connections += 1
        try:
            while True:
                line = stream.readline(65536).decode("latin-1").split()
                if len(line) != 3:
                    return
                headers = {}
                while (field := stream.readline(65536).decode("latin-1").strip()):
                    name, _, value = field.partition(":")
                    headers[name.lower()] = value.strip()
                request = Request(line[0], line[1], headers)
                with self.lock:
                    self.log.append((request.path, headers.get("range"), headers))
                    count = sum(r[0] == request.path for r in self.log)
                if getattr(self, "vice_" + request.vice)(connection, request, count) != "keep":
                    return
        except (Gone, OSError, AttributeError):
            pass
        finally:
            with self.lock:
                self.open_connections -= 1
            stream.close()
            sock.close()

    # --- the way it should be

    def _file(self, c, request, data, etag=True, ranges=True, chunk=None, delay=0):
        """A well-behaved answer, in chunks with pauses if asked to."""
        span = request.range(len(data)) if ranges else None
        first, end = span or (0, len(data))
        lines = ["Content-Type: video/mp4", f"Content-Length: {end - first}"]
        if ranges:
            lines.append("Accept-Ranges: bytes")
        if etag:
            lines.append(f'ETag: "{hashlib.md5(data).hexdigest()}"')
        if span:
            c.head("206 Partial Content", *lines, f"Content-Range: bytes {first}-{end - 1}/{len(data)}")
        else:
            c.head("200 OK", *lines)
        body = data[first:end]
        for i in range(0, len(body), chunk or len(body) or 1):
            c.send(body[i:i + (chunk or len(body))])
            if delay:
                c.pause(delay)
        return "keep"

    def vice_good(self, c, request, count):
        return self._file(c, request, self.clip)

    def vice_big(self, c, request, count):
        return self._file(c, request, self.big)

    def vice_long(self, c, request, count):
        return self._file(c, request, self.long)

    def vice_no_ranges(self, c, request, count):
        return self._file(c, request, self.clip, etag=False, ranges=False)

    def vice_index_last(self, c, request, count):
        return self._file(c, request, self.tail_clip)

    def vice_index_last_no_ranges(self, c, request, count):
        return self._file(c, request, self.tail_clip, ranges=False)

    def vice_chunked(self, c, request, count):
        c.head("200 OK", "Transfer-Encoding: chunked")
        for i in range(0, len(self.clip), 5000):
            part = self.clip[i:i + 5000]
            c.send(b"%x\r\n%s\r\n" % (len(part), part))
        c.send(b"0\r\n\r\n")
        return "keep"

    def vice_no_length(self, c, request, count):
        c.head("200 OK", "Connection: close")
        c.send(self.clip)

    def vice_mislabelled(self, c, request, count):
        c.head("200 OK", "Content-Type: text/html", f"Content-Length: {len(self.clip)}")
        c.send(self.clip)
        return "keep"

    # --- slow

    def vice_slow(self, c, request, count):
        """400 kB/s a connection: several are faster."""
        return self._file(c, request, self.big, chunk=20000, delay=0.05)

    def vice_slow_tail(self, c, request, count):
        """The same, with the index last."""
        return self._file(c, request, self.tail_clip, chunk=2000, delay=0.05)

    def vice_drip(self, c, request, count):
        """A byte now and then: never silent, never done."""
        c.head("200 OK", f"Content-Length: {len(self.clip)}")
        for byte in self.clip:
            c.send(bytes([byte]))
            c.pause(0.2)

    def vice_stall(self, c, request, count):
        c.head("200 OK", f"Content-Length: {len(self.clip)}")
        c.send(self.clip[:len(self.clip) // 2])
        c.pause(300)

    def vice_stall_once(self, c, request, count):
        if count == 1:
            c.head("200 OK", f"Content-Length: {len(self.clip)}", "Accept-Ranges: bytes")
            c.send(self.clip[:len(self.clip) // 2])
            c.pause(300)
        return self._file(c, request, self.clip, etag=False)

    def vice_silent(self, c, request, count):
        c.pause(300)

    def vice_slow_head(self, c, request, count):
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: ":
            c.send(bytes([byte]))
            c.pause(0.05)
        c.pause(300)

    # --- cutting

    def vice_cut(self, c, request, count):
        """Breaks each answer after 30000 bytes; ranges work."""
        span = request.range(len(self.clip))
        first, end = span or (0, len(self.clip))
        c.head("206 Partial Content" if span else "200 OK", f"Content-Length: {end - first}", "Accept-Ranges: bytes",
               *([f"Content-Range: bytes {first}-{end - 1}/{len(self.clip)}"] if span else []))
        c.send(self.clip[first:min(end, first + 70000)])
        if end - first > 70000:
            c.cut()
        return "keep"

    def vice_cut_once_no_ranges(self, c, request, count):
        c.head("200 OK", f"Content-Length: {len(self.clip)}")
        if count == 1:
            c.send(self.clip[:50000])
            c.cut(reset=True)
        c.send(self.clip)
        return "keep"

    def vice_cut_always(self, c, request, count):
        c.head("200 OK", f"Content-Length: {len(self.clip)}")
        c.send(self.clip[:50000])
        c.cut()

    def vice_cut_early(self, c, request, count):
        """Not even the index comes through."""
        c.head("200 OK", f"Content-Length: {len(self.clip)}")
        c.send(self.clip[:300])
        c.cut()

    def vice_reset(self, c, request, count):
        c.cut(reset=True)

    # --- lying

    def vice_long_length(self, c, request, count):
        c.head("200 OK", f"Content-Length: {len(self.clip) + 1000}")
        c.send(self.clip)
        c.cut()

    def vice_short_length(self, c, request, count):
        c.head("200 OK", f"Content-Length: {len(self.clip) - 20000}")
        c.send(self.clip)

    def vice_ranges_ignored(self, c, request, count):
        """Says it serves ranges and sends the whole file again."""
        c.head("200 OK", f"Content-Length: {len(self.clip)}", "Accept-Ranges: bytes")
        if count == 1:
            c.send(self.clip[:50000])
            c.cut()
        c.send(self.clip)
        return "keep"

    def vice_wrong_range(self, c, request, count):
        if not request.headers.get("range"):
            c.head("200 OK", f"Content-Length: {len(self.clip)}", "Accept-Ranges: bytes")
            c.send(self.clip[:50000])
            c.cut()
        c.head("206 Partial Content", f"Content-Length: {len(self.clip) - 10}",
               f"Content-Range: bytes 10-{len(self.clip) - 1}/{len(self.clip)}")
        c.send(self.clip[10:])

    def vice_changed(self, c, request, count):
        """Another file the second time."""
        if count == 1:
            c.head("200 OK", f"Content-Length: {len(self.clip)}", "Accept-Ranges: bytes", 'ETag: "one"')
            c.send(self.clip[:50000])
            c.cut()
        c.head("200 OK", f"Content-Length: {len(self.clip) + 7}", 'ETag: "two"')
        c.send(self.clip + b"7 bytes")

    def vice_gigantic(self, c, request, count):
        c.head("200 OK", f"Content-Length: {1 << 50}", "Content-Type: video/mp4")
        c.send(self.clip)
        c.pause(300)

    def vice_endless(self, c, request, count):
        c.head("200 OK", "Content-Type: video/mp4", "Connection: close")
        block = bytes(1 << 20)
        while not self.stopping.is_set():
            c.send(block)

    def vice_garbage(self, c, request, count):
        data = hashlib.shake_256(b"garbage").digest(100000)
        c.head("200 OK", f"Content-Length: {len(data)}", "Content-Type: video/mp4")
        c.send(data)
        return "keep"

    def vice_no_http(self, c, request, count):
        c.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n" * 20)

    def vice_header_flood(self, c, request, count):
        c.send(b"HTTP/1.1 200 OK\r\n")
        for i in range(20000):
            c.send(b"X-Flood-%d: %s\r\n" % (i, b"x" * 100))

    def vice_empty(self, c, request, count):
        c.head("200 OK", "Content-Length: 0")
        return "keep"

    # --- refusing

    def _refuse(self, c, status):
        text = b"<html>no</html>"
        c.head(status, f"Content-Length: {len(text)}", "Content-Type: text/html")
        c.send(text)
        return "keep"

    def vice_404(self, c, request, count):
        return self._refuse(c, "404 Not Found")

    def vice_slow_404(self, c, request, count):
        c.pause(0.3)
        return self._refuse(c, "404 Not Found")

    def vice_403(self, c, request, count):
        return self._refuse(c, "403 Forbidden")

    def vice_500(self, c, request, count):
        return self._refuse(c, "500 Internal Server Error")

    def vice_500_once(self, c, request, count):
        return self._refuse(c, "500 Internal Server Error") if count == 1 else self._file(c, request, self.clip)

    def vice_304(self, c, request, count):
        c.head("304 Not Modified")
        return "keep"

    # --- pages

    def vice_page(self, c, request, count):
        text = b"<!DOCTYPE html><html><body>Sign in</body></html>"
        c.head("200 OK", f"Content-Length: {len(text)}", "Content-Type: text/html; charset=utf-8")
        c.send(text)
        return "keep"

    def vice_page_unlabelled(self, c, request, count):
        text = b"\r\n  <HTML><body>Sign in</body></html>"
        c.head("200 OK", f"Content-Length: {len(text)}", "Content-Type: video/mp4")
        c.send(text)
        return "keep"

    def vice_confirm(self, c, request, count):
        """Google Drive's page for large files, in pieces."""
        if "?" in request.number:
            if "confirm=t" in request.number and "uuid=1-2" in request.number:
                return self._file(c, request, self.clip)
            return self._refuse(c, "403 Forbidden")
        page = (f'<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>'
                f'<form id="download-form" action="http://127.0.0.1:{self.port}/confirm/x.mp4" method="get">'
                f'<input type="submit" id="uc-download-link" value="Download anyway"/>'
                f'<input type="hidden" name="id" value="abc"><input type="hidden" name="confirm" value="t">'
                f'<input type="hidden" name="uuid" value="1-2"></form></body></html>').encode()
        c.head("200 OK", f"Content-Length: {len(page)}", "Content-Type: text/html; charset=utf-8")
        for i in range(0, len(page), 60):
            c.send(page[i:i + 60])
            c.pause(0.01)
        return "keep"

    def vice_confirm_private(self, c, request, count):
        page = (f'<html><form id="download-form" action="http://127.0.0.2:{self.port}/good/x.mp4">'
                f'<input type="hidden" name="confirm" value="t"></form></html>').encode()
        c.head("200 OK", f"Content-Length: {len(page)}", "Content-Type: text/html")
        c.send(page)
        return "keep"

    # --- redirects

    def _redirect(self, c, to):
        c.head("302 Found", f"Location: {to}", "Content-Length: 0", 'ETag: "of the redirect"')
        return "keep"

    def vice_redirect(self, c, request, count):
        return self._redirect(c, f"/good/{request.number}")

    def vice_redirect_private(self, c, request, count):
        return self._redirect(c, f"http://127.0.0.2:{self.port}/good/{request.number}")

    def vice_redirect_private_number(self, c, request, count):
        return self._redirect(c, f"http://{0x7f000002}:{self.port}/good/{request.number}")

    def vice_redirect_file(self, c, request, count):
        return self._redirect(c, "file:///etc/passwd")

    def vice_redirect_user(self, c, request, count):
        return self._redirect(c, f"http://user:secret@127.0.0.1:{self.port}/good/{request.number}")

    def vice_redirect_loop(self, c, request, count):
        return self._redirect(c, request.path)

    def vice_redirect_5(self, c, request, count):
        steps = int(request.number.partition("?")[2] or 5)
        if steps == 1:
            return self._redirect(c, "/good/" + request.number.partition("?")[0])
        return self._redirect(c, f"/redirect_5/{request.number.partition('?')[0]}?{steps - 1}")

    def vice_redirect_6(self, c, request, count):
        return self._redirect(c, f"/redirect_5/{request.number}?5")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def wait_until(condition, seconds=20, step=0.02):
    """True as soon as condition() is; False when it was not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(step)
    return bool(condition())
