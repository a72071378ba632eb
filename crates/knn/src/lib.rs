//! k nearest neighbours: engines behind one classifier.
