"""A browser to be driven: chromedriver over HTTP, with nothing but the standard library."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

PATIENCE = 60  # seconds until something that does not come is given up

# Keys that are no characters, as WebDriver calls them.
ENTER, ESCAPE, TAB, SHIFT = "\ue007", "\ue00c", "\ue004", "\ue008"
PAGE_UP, PAGE_DOWN, END, HOME = "\ue00e", "\ue00f", "\ue010", "\ue011"
LEFT, UP, RIGHT, DOWN = "\ue012", "\ue013", "\ue014", "\ue015"


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="pirn-browser.")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            ["chromedriver", f"--port={port}", "--silent"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session = None
        try:
            self.wait(self.is_up)
            arguments = ["--headless", "--disable-gpu", "--disable-dev-shm-usage",
                         "--window-size=1400,1000", f"--user-data-dir={self.profile}"]
            if os.geteuid() == 0:
                arguments.append("--no-sandbox")  # Chromium refuses to run as root with it
            options = {"args": arguments}
            binary = shutil.which("chromium") or shutil.which("chromium-browser")
            if binary:
                options["binary"] = binary
            made = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"}}}})
            self.session = "/session/" + made["sessionId"]
        except BaseException:
            self.close()
            raise

    def is_up(self):
        try:
            return self.ask("GET", "/status")["ready"]
        except OSError:
            return False

    def wait(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError("it does not come")
            time.sleep(0.02)

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def post(self, path, body=None):
        return self.ask("POST", self.session + path, body or {})

    def open(self, path, fragment=""):
        # From another page, since a fragment alone loads nothing anew.
        self.post("/url", {"url": "about:blank"})
        self.post("/url", {"url": "file://" + path + fragment})

    def run(self, script, *arguments):
        return self.post("/execute/sync", {"script": script, "args": list(arguments)})

    def run_async(self, script, *arguments):
        """`done` is what the script calls with its result."""
        script = "const done = arguments[arguments.length - 1];" + script
        return self.post("/execute/async", {"script": script, "args": list(arguments)})

    def press(self, *keys):
        """Each is a key, or a string of keys of which all but the last are held."""
        actions = []
        for key in keys:
            actions += [{"type": "keyDown", "value": part} for part in key]
            actions += [{"type": "keyUp", "value": part} for part in reversed(key)]
        self.post("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def click(self, selector):
        """The page may draw it anew between being found and being clicked: then it is looked for again."""
        for tries in range(100, -1, -1):
            found = self.post("/element", {"using": "css selector", "value": selector})
            try:
                self.post(f"/element/{next(iter(found.values()))}/click")
                return
            except RuntimeError as error:
                if not tries or "stale element" not in str(error):
                    raise

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def emulate(self, scheme):
        self.post("/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]}})

    def complaints(self):
        """What the browser's console says, from the last time on."""
        return [entry["message"] for entry in self.post("/se/log", {"type": "browser"})]

    def pdf(self):
        return base64.b64decode(self.post("/print"))

    def close(self):
        if self.session:
            self.ask("DELETE", self.session)
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
