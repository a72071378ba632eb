//! Logistic regression: engines behind one classifier.
