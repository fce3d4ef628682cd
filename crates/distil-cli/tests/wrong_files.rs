//! A file of another kind than was asked for: what it is, and what to do with it. Only what begins like a file of distil is
//! called damaged.

mod common;

use std::path::Path;

use common::{folder, run, succeed};

fn fixture(name: &str) -> String {
    format!("{}/../distil-store/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn refused(at: &Path, args: &[&str], pieces: &[&str]) {
    let said = run(at, args);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?}: {}", said.err);
    assert!(said.err.lines().count() <= 2 && !said.err.contains("damaged"), "{args:?}: {}", said.err);
    for piece in pieces {
        assert!(said.err.contains(piece), "{args:?}: {piece:?} is missing in: {}", said.err);
    }
}

/// A run, its experts and a model, and files of other programs.
fn prepared() -> tempfile::TempDir {
    let folder = folder();
    let at = folder.path();
    succeed(at, &["expert", "--config", "tiny.toml", "--experts", "experts", "--quiet"]);
    let short = ["--experts", "experts", "--out", "r", "--set", "distill.iterations=2", "--quiet"];
    succeed(at, &[&["run", "--config", "tiny.toml"], &short[..]].concat());
    succeed(
        at,
        &["train", "--config", "tiny.toml", "--epochs", "1", "--out", "model.safetensors", "--quiet"],
    );
    image::RgbImage::new(16, 16).save(at.join("picture.png")).expect("a picture");
    for (name, bytes) in [
        ("page.pt", &b"<!DOCTYPE html><html>Virus scan warning</html>"[..]),
        ("pointer.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n"),
        ("net.onnx", b"\x08\x08\x12\x07pytorch"),
        ("net.h5", b"\x89HDF\r\n\x1a\n\0\0\0\0"),
        ("a.npy", b"\x93NUMPY\x01\0v\0"),
        ("empty", b""),
    ] {
        std::fs::write(at.join(name), bytes).expect("a file");
    }
    succeed(at, &["export", "r", "--to", "npz", "--out", "set.npz", "--quiet"]);
    folder
}

#[test]
fn another_file_is_called_what_it_is() {
    let folder = prepared();
    let at = folder.path();
    let (torch, config) = (fixture("images_best.pt"), ["--config", "tiny.toml"]);
    let others = [
        (torch.as_str(), "is a file of torch.save", "distil import"),
        ("set.npz", "is a NumPy archive", "data.name = \"npz\""),
        ("picture.png", "is a picture", "data.name = \"folder\""),
        ("tiny.toml", "is a configuration", "--config"),
        ("model.safetensors", "is a trained model", "--model"),
        ("page.pt", "is a web page", "download the file itself"),
        ("pointer.safetensors", "is a pointer of Git LFS", "git lfs pull"),
        ("net.onnx", "is an ONNX graph", "state_dict()"),
        ("net.h5", "is an HDF5 file", "distil train"),
        ("a.npy", "is a NumPy array", "torch.save"),
        ("empty", "is an empty file", "download or save it again"),
    ];
    for (file, what, remedy) in others {
        refused(at, &["eval", file], &[what, "not a synthetic set", remedy]);
        refused(at, &[&["eval", file], &config[..]].concat(), &[what, "not a synthetic set", remedy]);
        refused(at, &[&["rank-score", file], &config[..]].concat(), &[what, "not a synthetic set"]);
        refused(at, &["export", file, "--to", "png", "--out", "o"], &[what, "not a synthetic set", remedy]);
        refused(at, &["report", file], &[what, "not a run folder"]);
        refused(at, &["compare", file, "r"], &[what, "not the results of an evaluation"]);
        if !["tiny.toml", "empty"].contains(&file) {
            refused(at, &["run", "--config", file], &[what, "not a configuration"]);
        }
        let labels = ["import", &torch, "--labels", file, "--syn-lr", "0.1", "--normalisation", "none"];
        if file != torch {
            refused(at, &[&labels[..], &config, &["--out", "o"]].concat(), &[what, "not a torch.save file"]);
        }
        if !["picture.png", "model.safetensors", "empty"].contains(&file) {
            let map = ["gradcam", file, "--model", "model.safetensors", "--out", "maps"];
            refused(at, &map, &[what, "not a picture", remedy]);
        }
        if !["model.safetensors", &torch].contains(&file) {
            let map = ["gradcam", "picture.png", "--model", file, "--out", "maps"];
            refused(at, &map, &[what, "not a trained model"]);
        }
    }
    let set = "r/synthetic/last.safetensors";
    refused(at, &["inspect", set], &["is a synthetic set", "not a run folder", "distil export"]);
    refused(
        at,
        &["gradcam", "picture.png", "--model", set, "--out", "o"],
        &["is a synthetic set", "trained model"],
    );
    refused(at, &["report", "experts"], &["is a store of experts", "not a run folder", "--experts"]);
    refused(at, &["export", "r/synthetic", "--to", "png", "--out", "o"], &["a folder inside a run folder"]);
    refused(at, &["run", "--config", "r"], &["is a run folder", "not a configuration", "run.toml"]);
    refused(at, &["report", "nowhere"], &["nowhere is not a run folder: it does not exist"]);
    let expert = "experts/expert-0000.safetensors";
    refused(at, &["eval", expert, "--config", "tiny.toml"], &["is an expert", "--experts"]);
    // What begins like a set is one that was damaged.
    let whole = std::fs::read(at.join(set)).expect("a set");
    std::fs::write(at.join("cut.safetensors"), &whole[..whole.len() - 9]).expect("a file");
    let said = run(at, &["export", "cut.safetensors", "--to", "png", "--out", "o"]);
    assert!(said.code == Some(2) && said.err.contains("is damaged"), "{}", said.err);
}
