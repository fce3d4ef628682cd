//! Import of replay buffers that PyTorch saved.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use distil_progress::{News, Progress};
use distil_store::Normalisation;
use distil_store::Preprocessing;
use std::cell::RefCell;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use distil_store::{ReplayShape, StoreError, StoreHeader, TrajectoryStore, import_replay_buffers};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Dump {
    layout: Vec<(String, Vec<usize>)>,
    experts: Vec<Vec<Vec<f64>>>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn dump() -> Dump {
    serde_json::from_str(&fs::read_to_string(fixture("replay_buffer_0.json")).unwrap()).unwrap()
}

fn header(layout: Vec<(String, Vec<usize>)>, snapshots: usize) -> StoreHeader {
    StoreHeader {
        architecture: json!({"kind": "convnet"}),
        layout,
        buffers: Vec::new(),
        dataset: "noise".into(),
        dataset_digest: String::new(),
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        recipe: json!({"imported": true}),
        seed: 0,
        snapshots,
    }
}

/// The message of an import that must fail, after checking that it left nothing behind.
fn refusal(file: &Path, header: &StoreHeader) -> String {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let error = import_replay_buffers(&[file.to_path_buf()], header, &store, Progress::none())
        .unwrap_err()
        .to_string();
    let shard = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with("expert-");
    assert!(!store.exists() || fs::read_dir(&store).unwrap().all(|e| !shard(&e.unwrap().file_name())));
    assert!(error.contains(file.file_name().unwrap().to_str().unwrap()), "{error}");
    assert!(!error.contains('\n'), "{error}");
    error
}

#[test]
fn imported_experts_equal_what_pytorch_saved() {
    let dump = dump();
    let folder = tempfile::tempdir().unwrap();
    let files = [fixture("replay_buffer_0.pt"), fixture("replay_buffer_0.pt")];
    let header = header(dump.layout, 3);
    let store = import_replay_buffers(&files, &header, folder.path(), Progress::none()).unwrap();
    assert_eq!(store.complete(), [0, 1, 2, 3]);
    for index in 0..4 {
        let expert = store.expert(index).unwrap();
        assert_eq!(expert.snapshots(), 3);
        for (epoch, expected) in dump.experts[index % 2].iter().enumerate() {
            let expected: Vec<f32> = expected.iter().map(|value| *value as f32).collect();
            assert_eq!(expert.snapshot(epoch), expected, "expert {index}, epoch {epoch}");
        }
    }
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 6, "nothing but the lock, the header and four shards: {names:?}");
}

#[test]
fn an_interrupted_import_continues() {
    let header = header(dump().layout, 3);
    let folder = tempfile::tempdir().unwrap();
    let files = [fixture("replay_buffer_0.pt")];
    let stop = |_: &News<'_>| ControlFlow::Break(());
    let stopped = import_replay_buffers(&files, &header, folder.path(), Progress::to(&stop));
    assert!(matches!(stopped, Err(StoreError::Stopped)), "{stopped:?}");
    assert_eq!(TrajectoryStore::open(folder.path()).unwrap().complete(), [0]);
    let imported = RefCell::new(Vec::new());
    let note = |news: &News<'_>| {
        imported.borrow_mut().extend(if let News::Step(step) = news { Some(step.done) } else { None });
        ControlFlow::Continue(())
    };
    import_replay_buffers(&files, &header, folder.path(), Progress::to(&note)).unwrap();
    assert_eq!(imported.into_inner(), [2], "the first expert is not imported again");
    assert_eq!(TrajectoryStore::open(folder.path()).unwrap().complete(), [0, 1]);
}

#[test]
fn views_of_a_shared_storage_are_gathered() {
    let layout = [("a", vec![2, 3]), ("b", vec![2, 3]), ("c", vec![2])];
    let header = header(layout.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect(), 2);
    let folder = tempfile::tempdir().unwrap();
    let store =
        import_replay_buffers(&[fixture("shared_storage.pt")], &header, folder.path(), Progress::none())
            .unwrap();
    let expected = [0., 1., 2., 3., 4., 5., 6., 8., 10., 7., 9., 11., 2., 3.];
    assert_eq!(store.expert(0).unwrap().snapshot(0), expected);
    assert_eq!(store.expert(0).unwrap().snapshot(1), expected.map(|value| value + 0.5));
}

#[test]
fn shapes_are_read_without_the_parameters() {
    let shape = ReplayShape::read(fixture("replay_buffer_0.pt")).unwrap();
    let tensors = dump().layout.into_iter().map(|(_, shape)| shape).collect();
    assert_eq!(shape, ReplayShape { experts: 2, snapshots: 3, tensors });
}

#[test]
fn buffers_that_do_not_fit_are_refused() {
    let layout = dump().layout;
    let file = fixture("replay_buffer_0.pt");
    let error = refusal(&file, &header(layout.clone(), 4));
    assert!(error.contains("3 snapshots an expert, not 4"), "{error}");
    let mut wider = layout.clone();
    wider[0].1 = vec![8, 3, 3, 3];
    let error = refusal(&file, &header(wider, 3));
    assert!(error.contains("`0.weight` has shape [4, 3, 3, 3], not [8, 3, 3, 3]"), "{error}");
    let error = refusal(&file, &header(layout[..5].to_vec(), 3));
    assert!(error.contains("6 tensors a snapshot, the architecture 5"), "{error}");
}

/// What MTT's buffer.py saves on a CPU: `p.detach().cpu()` is no copy.
#[test]
fn experts_that_teach_nothing_are_refused() {
    let two = |snapshots| header(vec![("a".into(), vec![2, 2]), ("b".into(), vec![2])], snapshots);
    let still = refusal(&fixture("still.pt"), &two(3));
    assert!(still.contains("its expert 0 never moves: all 3 snapshots are equal; save copies"), "{still}");
    let diverged = refusal(&fixture("diverged.pt"), &two(3));
    assert!(diverged.contains("snapshot 2 of its expert 0 has values that are not finite"), "{diverged}");
    let single = refusal(&fixture("single.pt"), &two(3));
    assert!(single.contains("it has one snapshot an expert"), "{single}");
    let mut classes = two(3);
    classes.layout = vec![("a".into(), vec![5, 2]), ("b".into(), vec![5])];
    let other = refusal(&fixture("still.pt"), &classes);
    assert!(other.contains("its experts tell 2 classes apart, the data have 5"), "{other}");
}

#[test]
fn other_files_of_pytorch_are_refused() {
    let one = header(vec![("a".into(), vec![2])], 2);
    let legacy = refusal(&fixture("legacy.pt"), &one);
    assert!(legacy.contains("PyTorch before 1.6") && legacy.contains("torch.save(torch.load"), "{legacy}");
    let dictionary = refusal(&fixture("state_dict.pt"), &one);
    assert!(dictionary.contains("not a list [expert][epoch][tensor]"), "{dictionary}");
    let double = refusal(&fixture("double.pt"), &one);
    assert!(double.contains("experts are float32"), "{double}");
    let text = refusal(&fixture("README.md"), &one);
    assert!(text.contains("not a torch.save file"), "{text}");
}

#[test]
fn truncated_and_altered_buffers_never_give_wrong_experts() {
    let dump = dump();
    let header = header(dump.layout, 3);
    let bytes = fs::read(fixture("replay_buffer_0.pt")).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("altered.pt");
    for length in (0..bytes.len()).step_by(499) {
        fs::write(&file, &bytes[..length]).unwrap();
        refusal(&file, &header);
    }
    let mut refused = 0;
    for position in (0..bytes.len()).step_by(101) {
        let mut altered = bytes.clone();
        altered[position] ^= 0x5a;
        fs::write(&file, altered).unwrap();
        let folder = tempfile::tempdir().unwrap();
        // Padding and ZIP fields that nobody reads may differ; the numbers may not.
        match import_replay_buffers(std::slice::from_ref(&file), &header, folder.path(), Progress::none()) {
            Ok(store) => {
                let expert = store.expert(1).unwrap();
                let expected: Vec<f32> = dump.experts[1][2].iter().map(|value| *value as f32).collect();
                assert_eq!(expert.snapshot(2), expected, "byte {position}");
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
    assert!(refused > 8, "flipped bytes in pickle, names and parameters are noticed, {refused} were");
}
