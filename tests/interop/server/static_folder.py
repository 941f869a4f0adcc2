"""A web server of one folder. Usage: static_folder.py ADDRESS_FILE FOLDER"""

import functools
import http.server
import os
import sys

address_file, folder = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
with open(address_file + ".new", "w", encoding="utf-8") as file:
    file.write("%s:%s" % server.server_address)
os.rename(address_file + ".new", address_file)
server.serve_forever()
