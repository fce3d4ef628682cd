//! Experts of MTT's code, taken over and distilled from.

mod common;

use common::{folder, photos, run, succeed};

/// The network and snapshots of `crates/distil-store/tests/fixtures/replay_buffer_0.pt`.
const CONFIG: &str = r#"
method = "mtt"
[data]
name = "folder"
path = "photos"
resolution = 4
validation = 0.2
[model]
width = 4
depth = 1
[expert]
experts = 2
epochs = 2
[distill]
iterations = 2
syn_steps = 2
window = { min = 0, max = 1 }
expert_epochs = 1
[eval]
epochs = 1
"#;

#[test]
fn replay_buffers_become_experts() {
    let folder = folder();
    photos(folder.path());
    std::fs::write(folder.path().join("photos.toml"), CONFIG).expect("a configuration");
    let buffer = concat!(env!("CARGO_MANIFEST_DIR"), "/../distil-store/tests/fixtures/replay_buffer_0.pt");
    let said = succeed(folder.path(), &["expert", "--config", "photos.toml", "--import", buffer]);
    assert!(said.starts_with("2 experts of 2 epochs are in"), "{said}");
    let sets = succeed(folder.path(), &["run", "--config", "photos.toml"]);
    assert!(sets.contains("| last | 2 |"), "{sets}");
    for (file, what) in [
        ("shared_storage.pt", "2 snapshots an expert, not 3"),
        ("weights.safetensors", "not a torch.save file"),
    ] {
        let file = buffer.replace("replay_buffer_0.pt", file);
        let said =
            run(folder.path(), &["expert", "--config", "photos.toml", "--experts", "e", "--import", &file]);
        assert!(said.code == Some(2) && said.err.contains(what), "{}", said.err);
    }
    let args = ["expert", "--config", "photos.toml", "--import", buffer, "--set", "model.width=8"];
    let refused = run(folder.path(), &args);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("replay_buffer_0.pt"), "{}", refused.err);
}
