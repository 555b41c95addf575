"""Terms of the loss that say what a network should look at, radiologists' marks, and what not, the outline and the source.

The first reads the last feature map F (b, h, w, f) of a network that averages it and ends in one dense layer with kernel W:
each cell's evidence for class c is E = F W_c, whose mean over the cells is the logit, and which is the class activation map
(Zhou 2016, arXiv 1512.04150, eq. 2).
"""

from typing import TYPE_CHECKING, Any, Final

from covid_model.errors import RunError
from covid_model.training.config import TERMS

if TYPE_CHECKING:
    import keras

POOL: Final = "pool"
LOGITS: Final = "logits"
LEAST: Final = 1e-6
"""Added before logarithms and divisions."""


def inside(network: "keras.Model") -> "keras.Model":
    """The same layers with three outputs: logits, last feature map, and its mean, the features.

    Raises RunError for a network that does not end in a mean over cells and one dense layer.
    """
    import keras

    names = {layer.name for layer in network.layers}
    if not {POOL, LOGITS} <= names:
        raise RunError(
            f"{', '.join(TERMS)} need a network that ends in a mean over cells and one layer, which {network.name} does not."
        )
    pool = network.get_layer(POOL)
    return keras.Model(network.input, [network.output, pool.input, pool.output])


def evidence_by_class(maps: Any, kernel: Any) -> Any:
    """(b, h, w, classes) each cell's evidence. maps: (b, h, w, f). kernel: (f, units); one unit speaks for the last class.

    >>> import numpy as np
    >>> evidence_by_class(np.ones((1, 1, 1, 2), np.float32), np.full((2, 1), 3, np.float32)).numpy().ravel().tolist()
    [-6.0, 6.0]
    """
    import tensorflow as tf

    evidence = tf.cast(maps, tf.float32) @ kernel
    return tf.concat([-evidence, evidence], axis=-1) if evidence.shape[-1] == 1 else evidence


def attention_loss(evidence: Any, onehot: Any, marks: Any) -> Any:
    """(b,) how little of the attention to the true class is on the marks; 0 for images without marks.

    -log sum_p a_p m_p, with a the softmax over cells of the evidence (b, h, w, classes) for the class of `onehot`
    (b, classes), and m the marks (b, h, w), their largest cell 1.

    >>> import numpy as np
    >>> evidence, marks = np.zeros((1, 1, 2, 1), np.float32), np.array([[[1, 0]]], np.float32)
    >>> round(float(attention_loss(evidence, np.ones((1, 1), np.float32), marks)[0]), 4)
    0.6931
    """
    import tensorflow as tf

    own = tf.einsum("bhwc,bc->bhw", evidence, onehot)
    cells = tf.reshape(own, (tf.shape(own)[0], -1))
    marked = tf.reshape(marks, tf.shape(cells))
    most = tf.reduce_max(marked, axis=1)
    hit = tf.reduce_sum(tf.nn.softmax(cells) * marked, axis=1) / tf.maximum(most, LEAST)
    return tf.where(most > 0, -tf.math.log(tf.maximum(hit, LEAST)), tf.zeros_like(hit))


def outline_loss(empty: Any, features: Any) -> Any:
    """() the variance of the features of outlines (n, f), as a share of that of the images' features (b, f).

    0 where all outlines have the same features, so that none tells anything. Only the outlines' features are trained by it.

    >>> import numpy as np
    >>> features = np.array([[0.0], [2.0]], np.float32)
    >>> round(float(outline_loss(features / 2, features)), 4)
    0.25
    """
    import tensorflow as tf

    spread = tf.reduce_sum(tf.math.reduce_variance(empty, axis=0))
    return spread / (tf.stop_gradient(tf.reduce_sum(tf.math.reduce_variance(features, axis=0))) + LEAST)


def source_loss(features: Any, onehot: Any, source: Any) -> Any:
    """() the share of the variance of features (b, f) that the source (b, sources) explains within the labels (b, classes).

    sum over labels and sources of n ||mean of both - mean of the label||^2, by the sum of squares about the mean of all: 0
    where knowing the label, the source adds nothing to what to expect (correlation ratio, Fisher 1925). As a ratio it is not
    lowered by smaller features: with the divisor held fixed, a training ended with the same features for all images.

    >>> import numpy as np
    >>> features, one = np.array([[0.0], [2.0]], np.float32), np.ones((2, 1), np.float32)
    >>> round(float(source_loss(features, one, np.eye(2, dtype=np.float32))), 4), float(source_loss(features, one, one))
    (1.0, 0.0)
    """
    import tensorflow as tf

    gap = _expected(features, _groups(onehot, source)) - _expected(features, onehot)
    total = tf.reduce_sum(tf.square(features - tf.reduce_mean(features, axis=0)))
    return tf.reduce_sum(tf.square(gap)) / (total + LEAST)


def group_tilt(loss: Any, onehot: Any, source: Any, tilt: float) -> Any:
    """(b,) factors of mean 1 by which images of the worse groups of a batch count more; a group is a label in a source.

    exp(t L_g) for an image of group g, with L_g the mean over the group of `loss` (b,), and t the `tilt`, over the mean of
    all images. It is the gradient of log(sum_g n_g exp(t L_g) / b) / t, the loss tilted by groups of n_g images (Li 2021,
    arXiv 2007.01162), which nears the loss of the worst group as t grows (group DRO, Sagawa 2020, arXiv 1911.08731).
    onehot: (b, classes). source: (b, sources), one-hot.

    >>> import numpy as np
    >>> loss, one = np.log(np.array([1, 3], np.float32)), np.ones((2, 1), np.float32)
    >>> group_tilt(loss, one, np.eye(2, dtype=np.float32), 1.0).numpy().round(4).tolist()
    [0.5, 1.5]
    >>> group_tilt(loss, one, one, 1.0).numpy().tolist()
    [1.0, 1.0]
    """
    import tensorflow as tf

    size = tf.cast(tf.shape(loss)[0], tf.float32)
    return tf.stop_gradient(size * tf.nn.softmax(tilt * _expected(loss[:, None], _groups(onehot, source))[:, 0]))


def _groups(onehot: Any, source: Any) -> Any:
    """(b, classes * sources) one-hot, the label in the source of each image."""
    import tensorflow as tf

    return tf.reshape(onehot[:, :, None] * source[:, None, :], (tf.shape(onehot)[0], -1))


def _expected(features: Any, groups: Any) -> Any:
    """(b, f) the mean features of each image's group. groups: (b, groups) one-hot."""
    import tensorflow as tf

    sums = tf.matmul(groups, features, transpose_a=True)
    return groups @ (sums / tf.maximum(tf.reduce_sum(groups, axis=0)[:, None], 1.0))
