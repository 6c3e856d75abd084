"""trackio's dashboard in the foreground: `python serve_trackio.py PORT`."""

import sys
import time

import trackio

trackio.show(open_browser=False, block_thread=False, host="127.0.0.1", server_port=int(sys.argv[1]), share=False)
while True:
    time.sleep(3600)
