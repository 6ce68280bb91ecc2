"""One-dimensional ReLU networks with free biases: certified linear splines in linear time."""
