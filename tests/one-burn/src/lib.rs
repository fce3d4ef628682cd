//! An empty crate that every Burn-using crate has as a dev-dependency.
//!
//! Cargo compiles a dependency again for every set of features that the selected packages ask of it.
//! Burn's own dependencies are shared with other crates of this workspace (faer's SIMD layer, `serde_json`…), so
//! `cargo test -p distil-models` and `cargo test --workspace` would each compile Burn, minutes on two cores.
//! This crate asks for the workspace's features everywhere, so that one build serves all.

#![forbid(unsafe_code)]
