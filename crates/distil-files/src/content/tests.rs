use std::io::Write;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

fn archive(names: &[&str]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(b"x").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn of(name: &str, bytes: &[u8]) -> Content {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let content = Content::of(&path).unwrap();
    assert_eq!(content, Content::of_bytes(&path, bytes), "{name}");
    content
}

#[test]
fn archives_are_known_by_what_they_hold() {
    for (names, content) in [
        (&["m/data.pkl", "m/data/0", "m/version"][..], Content::Torch),
        (&["m/code/__torch__.py", "m/constants.pkl", "m/data.pkl"], Content::TorchScript),
        (&["x_train.npy", "y_train.npy"], Content::Npz),
        (&["config.json", "metadata.json", "model.weights.h5"], Content::Keras),
        (&["photos/a.png"], Content::Zip),
        (&[], Content::Zip),
    ] {
        assert_eq!(of("a.pt", &archive(names)), content, "{names:?}");
    }
    let whole = archive(&["m/data.pkl"]);
    assert_eq!(of("a.pt", &whole[..whole.len() / 2]), Content::CutZip);
}

#[test]
fn the_first_bytes_tell_what_a_file_is_whatever_it_is_called() {
    let legacy = [b"\x80\x02\x8a\x0a".as_slice(), &TORCH_LEGACY, b".\x80\x02M\xe9\x03."].concat();
    let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
    for (content, bytes) in [
        (Content::LegacyTorch, &legacy[..]),
        (Content::Pickle, b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x07"),
        (Content::Npy, b"\x93NUMPY\x01\0"),
        (Content::Hdf5, b"\x89HDF\r\n\x1a\n\0\0"),
        (Content::Onnx, b"\x08\x07\x12\x07pytorch\x1a\x03\x31\x2e\x30"),
        (Content::Picture, b"\x89PNG\r\n\x1a\n"),
        (Content::Picture, b"\xff\xd8\xff\xe0"),
        (Content::Packed, b"\x1f\x8b\x08"),
        (Content::Packed, &tar),
        (Content::Table, b"PAR1\x15"),
        (Content::Pdf, b"%PDF-1.7"),
        (Content::WebPage, b"\n <!DOCTYPE html><html>"),
        (Content::WebPage, b"\xef\xbb\xbf<HTML>"),
        (Content::WebPage, b"<?xml version=\"1.0\"?><Error>AccessDenied</Error>"),
        (Content::Pointer, b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\n"),
        (Content::Pointer, b"/annex/objects/SHA256E-s1--4d"),
        (Content::Toml, b"# sha256 = \"00"),
        (Content::Json, b"{\"rows\": []}"),
        (Content::Text, "Zugriff verweigert: \u{fc}".as_bytes()),
        (Content::Empty, b""),
        (Content::Cut, b"\xe8\x03\0"),
        (Content::Unknown, b"\0\x01\x02\x03\x04\x05\x06\x07\x08\x09"),
    ] {
        for name in ["a.pt", "weights", "set.safetensors"] {
            assert_eq!(of(name, bytes), content, "{name}: {bytes:?}");
        }
    }
    assert_eq!(of("small.toml", b"method = \"mtt\"\n"), Content::Toml);
    assert_eq!(
        of("a.txt", &"ä".repeat(3000).into_bytes()),
        Content::Text,
        "a character is cut off at the end"
    );
}

#[test]
fn containers_are_known_by_their_kind() {
    let file = |header: &str| [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
    let of_kind = |kind: &str| of("a", &file(&format!("{{\"__metadata__\":{{\"kind\":\"{kind}\"}}}}")));
    assert_eq!(of_kind("distil.synthetic.2"), Content::Set);
    assert_eq!(of_kind("distil.synthetic.1"), Content::Set);
    assert_eq!(of_kind("distil.expert.2"), Content::Expert);
    assert_eq!(of_kind("distil.checkpoint.2"), Content::Checkpoint);
    assert_eq!(of_kind("distil.model.2"), Content::Model);
    assert_eq!(of_kind("distil.zca.1"), Content::OtherContainer);
    assert_eq!(of_kind("of.others.1"), Content::Safetensors);
    assert_eq!(of("a", &file("{}")), Content::Safetensors);
    // A length that no file can keep is not believed.
    assert_eq!(of("a", &[&90_000_000_u64.to_le_bytes()[..], b"{\"__met"].concat()), Content::Safetensors);
    assert_eq!(of("a", &[&[0xff; 8][..], b"{\"__met"].concat()), Content::Unknown);
}

#[test]
fn folders_are_known_by_what_lies_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["run/synthetic", "experts", "photos"] {
        fs::create_dir_all(at(name)).unwrap();
    }
    fs::write(at("run/run.toml"), "").unwrap();
    fs::write(at("experts/store.json"), "{}").unwrap();
    for (name, content) in [
        ("run", Content::RunFolder),
        ("run/synthetic", Content::PartOfRun),
        ("experts", Content::Experts),
        ("photos", Content::Folder),
    ] {
        assert_eq!(Content::of(&at(name)).unwrap(), content, "{name}");
    }
    assert!(Content::of(&at("nowhere")).is_err());
}

/// Errors are cut at their last semicolon.
#[test]
fn no_text_holds_the_mark_before_a_remedy() {
    for content in
        [Content::Set, Content::Torch, Content::TorchScript, Content::Npz, Content::Picture, Content::Onnx]
    {
        let (what, remedy) = content.described();
        assert!(!what.contains(';') && !remedy.unwrap_or_default().contains("; "), "{content:?}");
    }
}
