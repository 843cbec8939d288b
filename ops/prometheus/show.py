#!/usr/bin/env python3
"""Shows the alarms at work: Prometheus scrapes examples/observed, everything goes wrong, each alarm fires.

It fails if an alarm does not fire, or if one fires that should not: above all before anything is
wrong. It needs go and prometheus (apt-get install prometheus), listens on loopback only, ends what
it has started, and takes half a minute. The rules are those of keyfit.rules.yml with shorter times.
"""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
REPO = HERE.parent.parent

# What has to fire on the bad day of examples/observed, and for whom.
EXPECTED = {
    ("KeyfitKeyRefused", "search"), ("KeyfitCircuitOpen", "search"),
    ("KeyfitKeyMissing", "visits"),
    ("KeyfitKeyExpiresSoon", "courses"), ("KeyfitKeyExpired", "archive"),
    ("KeyfitRotationDue", "invoices"),
    ("KeyfitNewKeyRejected", "exams"), ("KeyfitKeyRefused", "exams"),
    ("KeyfitWaitsLong", "mails"), ("KeyfitLimitNear", "mails"),
    ("KeyfitPaused", "billing"), ("KeyfitSourceStale", "customers"),
}
LAST = ("KeyfitNoMetrics", "")  # once the program is gone
# What follows from the same and may fire too.
ALLOWED = {("KeyfitCircuitOpen", "visits"), ("KeyfitKeyRefused", "visits"), ("KeyfitWaitsLong", "billing"),
           ("KeyfitWaitsLong", "search"), ("KeyfitWaitsLong", "visits")}
CALM, BAD, GONE = 5, 16, 8  # seconds: nothing fires for so long; all fires within; the last fires within


def faster(rules):
    """The same rules with times that a test can wait for."""
    rules = re.sub(r"(?m)^(\s+for:) .*$", r"\1 1s", rules)
    rules = rules.replace("[5m:15s]", "[4s:500ms]").replace("[5m]", "[4s]")
    return rules.replace("wait_seconds_count[4s]) > 5", "wait_seconds_count[4s]) > 0.2")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Show:
    def __init__(self, folder):
        self.folder, self.children = pathlib.Path(folder), []
        self.began, self.told = time.monotonic(), set()

    def say(self, text):
        print(f"{time.monotonic() - self.began:5.1f}s  {text}", flush=True)

    def start(self, *command, **more):
        child = subprocess.Popen([str(part) for part in command], **more)
        self.children.append(child)
        return child

    def stop(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
        for child in self.children:
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def example(self):
        binary = self.folder / "observed"
        subprocess.run(["go", "build", "-o", binary, "."], cwd=REPO / "examples" / "observed", check=True)
        self.began = time.monotonic()
        program = self.start(binary, "-listen", "127.0.0.1:0", "-for", "2m", stdout=subprocess.PIPE, text=True)
        for line in program.stdout:
            print("       " + line.rstrip(), flush=True)
            if line.startswith("metrics: "):
                return program, urllib.parse.urlparse(line.split()[1]).netloc
        sys.exit("the example has ended")

    def prometheus(self, target):
        rules = faster((HERE / "keyfit.rules.yml").read_text())
        (self.folder / "rules.yml").write_text(rules)
        (self.folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "observed", "static_configs": [{"targets": [target]}]}],
        }))
        subprocess.run(["promtool", "check", "config", self.folder / "prometheus.yml"], check=True, stdout=subprocess.DEVNULL)
        address = f"127.0.0.1:{free_port()}"
        self.start("prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
                   f"--web.listen-address={address}", "--log.level=error")
        self.api = f"http://{address}/api/v1/"

    def ask(self, path, **query):
        url = self.api + path + ("?" + urllib.parse.urlencode(query) if query else "")
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]

    def value(self, expr):
        found = self.ask("query", query=expr)["result"]
        return float(found[0]["value"][1]) if found else 0

    def wait_for(self, what, seconds, ready):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if ready():
                    return
            except OSError:
                pass
            time.sleep(0.2)
        sys.exit(f"{what}: not within {seconds} s")

    def firing(self):
        return {(a["labels"]["alertname"], a["labels"].get("client", "")): a["annotations"]["summary"]
                for a in self.ask("alerts")["alerts"] if a["state"] == "firing"}

    def watch(self, seconds, expected, allowed):
        """Waits until all that is expected fires, and fails if anything else does."""
        seen, end = {}, time.monotonic() + seconds
        while time.monotonic() < end:
            for alarm, summary in self.firing().items():
                if alarm not in expected and alarm not in allowed:
                    sys.exit(f"{alarm} fires, and should not: {summary}")
                seen[alarm] = summary
                if alarm not in self.told:
                    self.told.add(alarm)
                    self.say(f"{alarm[0]}: {summary}")
            if expected and expected <= seen.keys():
                return
            time.sleep(0.2)
        if expected:
            sys.exit(f"not fired within {seconds} s: {sorted(expected - seen.keys())}")

    def dashboard(self):
        """Asks what each panel asks: none may be empty."""
        panels, empty = 0, []
        for panel in json.loads((HERE.parent / "grafana" / "keyfit.json").read_text())["panels"]:
            for target in panel.get("targets", []):
                expr = target["expr"].replace("$client", ".*").replace("$provider", ".*").replace("$__rate_interval", "5s")
                panels += 1
                if not self.ask("query", query=expr)["result"]:
                    empty.append(f"{panel['title']}: {expr}")
        if empty:
            sys.exit("panels without data:\n" + "\n".join(empty))
        self.say(f"the dashboard's {panels} queries have data")

    def play(self):
        program, target = self.example()
        self.prometheus(target)
        self.wait_for("a scrape", 10, lambda: self.value("count(keyfit_calls_total)") > 0 and LAST not in self.firing())
        self.say("Prometheus has scraped the program: from here on nothing may fire")
        self.watch(CALM, set(), set())
        request = urllib.request.Request(f"http://{target}/bad-day", method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            self.say(answer.read().decode().strip())
        self.watch(BAD, EXPECTED, ALLOWED)
        self.dashboard()
        program.send_signal(signal.SIGINT)
        self.watch(GONE, {LAST}, EXPECTED | ALLOWED)
        self.say(f"all {len({name for name, _ in EXPECTED | {LAST}})} alarms have fired, and none before")


def main():
    os.environ["GOFLAGS"] = os.environ.get("GOFLAGS", "-trimpath")
    with tempfile.TemporaryDirectory(prefix="keyfit-show-") as folder:
        show = Show(folder)
        try:
            show.play()
        finally:
            show.stop()


if __name__ == "__main__":
    main()
