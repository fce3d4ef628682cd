//! Evaluation of distilled sets: students trained from scratch, references and statistics.
