"""Serves a page that says how often it was asked for, on a free port, which is written to the file that is named."""
import http.server
import sys


class Page(http.server.BaseHTTPRequestHandler):
    count = 0

    def do_GET(self):
        Page.count += 1
        body = f"visitor number {Page.count}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Page)
with open(sys.argv[1], "w", encoding="utf-8") as file:
    file.write(f"http://127.0.0.1:{server.server_port}/\n")
server.serve_forever()
