//! What the dense and the convolutional network share: training loop, schedules, early stopping, weights in and out.
