//! Folders of images: names and contents come from the input.
#![no_main]

use std::ops::ControlFlow;

use distil_data::{DataConfig, DatasetName};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let root = tempfile::tempdir().expect("a temporary folder");
    for (index, piece) in bytes.split(|byte| *byte == 0xfe).enumerate().take(12) {
        let (name, content) = piece.split_at(piece.len().min(6));
        let name: String = String::from_utf8_lossy(name).chars().filter(|c| !matches!(c, '\0' | '/')).collect();
        let class = if matches!(name.as_str(), "" | "." | "..") { "a" } else { &name };
        let folder = root.path().join(class);
        if std::fs::create_dir_all(&folder).is_ok() {
            let _ = std::fs::write(folder.join(format!("{index}.png")), content);
        }
    }
    let config = DataConfig {
        path: Some(root.path().to_owned()),
        resolution: Some(4),
        ..DataConfig::new(DatasetName::Folder)
    };
    let _ = config.load(&mut |_| ControlFlow::Continue(()));
});
