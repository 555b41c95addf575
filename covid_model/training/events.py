"""The metrics of a run once more as TensorBoard event files, for those who have TensorBoard open anyway."""

import time
from pathlib import Path
from typing import Any, Final

VERSION: Final = "brain.Event:2"
"""What the first event of a file must say."""


class Events:
    """Writes every number of a metrics line as a scalar below `<run>/tensorboard`; open it with `tensorboard --logdir`.

    The records are TensorFlow's own; its summary functions would need TensorBoard installed here.
    """

    def __init__(self, run: Path) -> None:
        import tensorflow as tf

        folder = run / "tensorboard"
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = tf.io.TFRecordWriter(str(folder / f"events.out.tfevents.{time.time():.3f}"))
        self._put(tf.compat.v1.Event(wall_time=time.time(), file_version=VERSION))

    def write(self, line: dict[str, Any]) -> None:
        """One line of `metrics.jsonl`; what is no number is left to the dashboard."""
        import tensorflow as tf

        summary = tf.compat.v1.Summary()
        for name, value in line.items():
            if isinstance(value, int | float) and name not in ("step", "time"):
                summary.value.add(tag=f"{line['kind']}/{name}", simple_value=value)
        self._put(tf.compat.v1.Event(wall_time=line["time"], step=line["step"], summary=summary))

    def _put(self, event: Any) -> None:
        self._writer.write(event.SerializeToString())
        self._writer.flush()
