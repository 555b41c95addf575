"""The loss of a classifier."""

from typing import Any


def classification_loss(logits: Any, onehot: Any, label_smoothing: float, offset: Any = None) -> Any:
    """The loss of each image, (b,), from logits (b, units) and one-hot labels (b, classes), both tensors.

    Several units: cross-entropy of their softmax. One unit: cross-entropy of its sigmoid with the last class as positive.
    offset: (b, classes), added to the logits of the classes (`training.source_prior`).
    """
    import tensorflow as tf

    if offset is not None:
        logits = logits + (offset[:, -1:] - offset[:, :1] if logits.shape[-1] == 1 else offset)
    if logits.shape[-1] == 1:
        truth = onehot[:, -1:] * (1 - label_smoothing) + label_smoothing / 2
        return tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)[:, 0]
    truth = onehot * (1 - label_smoothing) + label_smoothing / onehot.shape[-1]
    return tf.nn.softmax_cross_entropy_with_logits(truth, logits)
