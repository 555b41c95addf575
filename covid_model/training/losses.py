"""The loss of a classifier."""

from typing import Any


def classification_loss(logits: Any, onehot: Any, label_smoothing: float) -> Any:
    """Loss an image: cross-entropy of softmax for several units; of a sigmoid for one, whose truth is the last class."""
    import tensorflow as tf

    if logits.shape[-1] == 1:
        truth = onehot[:, -1:] * (1 - label_smoothing) + label_smoothing / 2
        return tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)[:, 0]
    truth = onehot * (1 - label_smoothing) + label_smoothing / onehot.shape[-1]
    return tf.nn.softmax_cross_entropy_with_logits(truth, logits)
