//! What holds of every kind.
