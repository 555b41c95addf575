"""What a user of the running dashboard waits for, and what it occupies: real server, real browser.

    python -m benchmarks.app [--repeat 10] [--out FILE.json]

Measures the first picture of a fresh server, the time from a click (another class, another model, another opacity, a new
image) to the changed picture on the screen, and the server's resident memory after each. Needs Chromium and playwright.
Linux only, since memory is read from /proc.
"""

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

from covid_model.data.synthetic_samples import shipped_samples
from covid_model.images.read import load_image

ROOT: Final = Path(__file__).resolve().parent.parent
OVERLAY: Final = (
    "() => { const all = document.querySelectorAll('.st-key-pictures .imagelayer image');"
    " const last = all[all.length - 1]; return last && (last.getAttribute('href') || last.getAttribute('xlink:href')); }"
)
CHANGED: Final = f"before => {{ const now = ({OVERLAY})(); return now && now !== before; }}"
MANY: Final = 200
FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def resident_mb(process: int) -> float:
    """Resident memory of a process in MB (10^6 bytes)."""
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024 / 1e6


def seconds_until_changed(page: Page, act: Callable[[], None]) -> float:
    """From the start of `act` to another overlay on the screen."""
    before = page.evaluate(OVERLAY)
    start = time.perf_counter()
    act()
    page.wait_for_function(CHANGED, arg=before, polling=10)
    return time.perf_counter() - start


def picks(page: Page, label: str, options: list[str], repeat: int) -> list[float]:
    """Choose from a select box again and again; the menu is opened before the clock starts."""
    found = []
    for turn in range(repeat):
        page.get_by_role("combobox", name=label).click()
        option = page.get_by_role("option", name=options[turn % len(options)], exact=True)
        option.wait_for()
        found.append(seconds_until_changed(page, option.click))
        page.wait_for_timeout(500)
    return found


def uploads(page: Page, repeat: int, folder: Path) -> list[float]:
    """Upload images that the server has never seen: read, lungs, prediction, heatmap and drawing, nothing remembered."""
    found = []
    start = load_image(next(iter(shipped_samples().values())).path).pixels
    for seed in range(repeat):
        image = folder / f"{seed}.png"
        noisy = start + np.random.default_rng(seed).normal(0, 0.01, start.shape)
        cv2.imwrite(str(image), np.round(np.clip(noisy, 0, 1) * 255).astype(np.uint8))
        found.append(seconds_until_changed(page, lambda image=image: page.set_input_files("input[type=file]", image)))  # type: ignore[misc]
        page.wait_for_timeout(700)
    return found


def opacity_steps(page: Page, repeat: int) -> list[float]:
    """Move the opacity slider by one step at a time."""
    slider = page.locator(".st-key-opacity input[type=range]")
    slider.focus()
    found = []
    for turn in range(repeat):
        key = "ArrowLeft" if turn % 2 else "ArrowRight"
        found.append(seconds_until_changed(page, lambda key=key: slider.press(key)))  # type: ignore[misc]
        page.wait_for_timeout(500)
    return found


def start_server() -> tuple[subprocess.Popen[bytes], str]:
    """The app on a free port, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true"]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([*command, "--server.port", str(port)], cwd=ROOT, stdout=quiet, stderr=quiet)
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                return server, address
        except OSError:
            time.sleep(0.25)
    server.kill()
    raise SystemExit("error: the dashboard did not start within a minute.")


def measure(repeat: int) -> dict[str, Any]:
    """All figures of one fresh server."""
    server, address = start_server()
    memory = {"started": resident_mb(server.pid)}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        start = time.perf_counter()
        page.goto(address)
        page.wait_for_function(CHANGED, arg=None, timeout=120_000)
        first = time.perf_counter() - start
        memory["first heatmap"] = resident_mb(server.pid)
        page.get_by_text("upported:").or_(page.get_by_text("Withheld:")).first.wait_for(timeout=120_000)
        memory["all trust tests"] = resident_mb(server.pid)
        page.get_by_role("tab", name="Export").click()  # clicks are timed without tests in the background
        page.wait_for_timeout(3000)
        picks(page, "Class to explain", ["Pneumonia", "COVID-19", "Normal"], 3)
        clicks = {
            "another class, seen before": picks(page, "Class to explain", ["COVID-19", "Pneumonia"], repeat),
            "another opacity": opacity_steps(page, repeat),
            "another model, seen before": picks(page, "Model", ["Whole image", "Lungs only"], repeat),
        }
        with TemporaryDirectory() as folder:
            clicks["upload of a new image"] = uploads(page, repeat, Path(folder))
            memory["two models, all clicks"] = resident_mb(server.pid)
            uploads(page, MANY, Path(folder))
        memory[f"after {MANY} images"] = resident_mb(server.pid)
        browser.close()
    server.terminate()
    medians = {name: {"median_s": statistics.median(s), "max_s": max(s)} for name, s in clicks.items()}
    return {"first_picture_s": first, "clicks": medians, "resident_mb": memory}


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="waiting times and memory of the running dashboard")
    parser.add_argument("--repeat", type=int, default=10, help="clicks of each kind, default: %(default)s")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    arguments = parser.parse_args()
    report = {"date": datetime.now(UTC).isoformat("T", "seconds"), **measure(arguments.repeat)}
    text = json.dumps(report, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
