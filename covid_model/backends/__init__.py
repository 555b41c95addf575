"""Engines that compute a network: ONNX Runtime for forward passes, TensorFlow for gradients and training."""
