//! ConvNets whose one forward definition runs on plain tensors and on dual numbers.
