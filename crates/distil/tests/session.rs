//! A session gives the same set in memory and in a folder, and continues what its folder holds.

use std::path::Path;

use distil::{Device, Error, Method, Protocol, Session, SyntheticSet, convnet, data, methods, protocols};

fn session(folder: Option<&Path>) -> Session {
    let recipe =
        distil_expert::Recipe { experts: 1, epochs: 2, batch: 64, ..distil_expert::Recipe::default() };
    let data = data::DataConfig { train_limit: Some(100), ..data::clutter_easy() };
    let builder = Session::new(data).network(convnet().width(4).depth(1)).experts(recipe).seed(3);
    let builder = match folder {
        Some(folder) => builder.in_folder(folder),
        None => builder,
    };
    builder.on(Device::cpu()).expect("a session")
}

fn small_mtt() -> Method {
    let mtt = Method { checkpoint_every: 2, ..methods::mtt() };
    mtt.ipc(1).iterations(4).with_trajectory(|trajectory| {
        (trajectory.syn_steps, trajectory.expert_epochs, trajectory.window.max) = (2, 1, 1);
    })
}

fn tensors(set: &SyntheticSet) -> (Vec<u32>, u32) {
    (set.images.iter().map(|pixel| pixel.to_bits()).collect(), set.syn_lr.to_bits())
}

#[test]
fn in_memory_and_in_a_folder_are_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let memory = session(None).distil(small_mtt()).expect("a set");
    let kept = session(Some(folder.path())).distil(small_mtt()).expect("a set");
    assert_eq!(tensors(&memory), tensors(&kept));
    // The second time nothing is left to do, and experts are not trained again.
    let store = folder.path().join("experts");
    let trained = std::fs::read_dir(&store).expect("experts").count();
    let again = session(Some(folder.path())).distil(small_mtt()).expect("a set");
    assert_eq!(tensors(&again), tensors(&kept));
    assert_eq!(std::fs::read_dir(&store).expect("experts").count(), trained);
}

#[test]
fn a_folder_of_other_settings_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    session(Some(folder.path())).distil(methods::dm().iterations(2)).expect("a set");
    let other = session(Some(folder.path())).distil(methods::dm().iterations(3));
    assert!(matches!(other, Err(Error::Store(_))), "{other:?}");
}

#[test]
fn students_score_sets_and_what_cannot_work_is_refused() {
    let session = session(None);
    let set = session.distil(methods::random()).expect("real images");
    let score = session.evaluate(&set, protocols::mtt().epochs(1).seeds(2)).expect("a score");
    assert!(score.to_string().contains("2 students by mtt"), "{score}");
    let error = session.distil(methods::dm().ipc(0)).expect_err("no images");
    assert!(error.to_string().contains("distill.ipc is 0"), "{error}");
    let error = session.evaluate(&set, Protocol { seeds: 0, ..protocols::mtt() }).expect_err("no students");
    assert!(error.to_string().contains("eval.seeds is 0"), "{error}");
    // MTT's window starts too late for experts of two epochs.
    let error = session.distil(methods::datm()).expect_err("short experts");
    assert!(error.to_string().contains("needs experts of"), "{error}");
}
