//! Reading, recognising and splitting datasets; the embedded MNIST; preparing a person's own picture.
