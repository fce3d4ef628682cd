use super::*;

/// Empty files at these paths.
pub(crate) fn tree(paths: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in paths {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    folder
}

fn names(root: &Path, files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()).collect()
}

/// `sorted(os.walk(folder))`, and the sorted names of each.
#[test]
fn subfolders_are_walked_in_the_order_of_torchvision() {
    let root = tree(&["b/2.png", "b/10.png", "b-1/1.png", "b/c/1.png", "z.png", "a.png"]);
    let files = picture_files(root.path()).unwrap();
    assert_eq!(
        names(root.path(), &files),
        ["a.png", "z.png", "b/10.png", "b/2.png", "b-1/1.png", "b/c/1.png"]
    );
}

#[test]
fn what_systems_leave_behind_is_skipped_in_every_folder() {
    let root = tree(&[
        "1.png",
        "._1.png",
        "thumbs.db",
        "Desktop.ini",
        ".ipynb_checkpoints/2.png",
        "__MACOSX/3.png",
        "a/._4.png",
        "a/@eaDir/5.png",
        "a/4.png",
        "__pycache__/x.pyc",
    ]);
    let mut survey = Survey::default();
    assert_eq!(pictures(&Tree::Disk, root.path(), &mut survey).unwrap().len(), 2);
    assert_eq!(survey, Survey::default());
}

#[test]
fn a_refusal_names_all_files_of_a_kind_and_no_more_than_fit() {
    let paths: Vec<String> = (10..30).map(|i| format!("a/{i}.heic")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).chain(["a/1.png"]).collect();
    let root = tree(&paths);
    let error = picture_files(root.path()).unwrap_err().to_string();
    assert!(error.contains("20 files (a/10.heic") && error.contains("a/21.heic, and 8 more)"), "{error}");
    assert!(error.contains("PNG or JPEG"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    let root = tree(&["a/1.png", "b/2.png"]);
    std::os::unix::fs::symlink(root.path().join("b"), root.path().join("a/b")).unwrap();
    assert_eq!(names(root.path(), &picture_files(&root.path().join("a")).unwrap()), ["a/1.png", "a/b/2.png"]);
    std::os::unix::fs::symlink(root.path(), root.path().join("b/up")).unwrap();
    let error = picture_files(root.path()).unwrap_err().to_string();
    assert!(error.contains("b/up") && error.contains("remove the link"), "{error}");
}
