//! Training a network for activation maps and drawing them, and what is refused.

mod common;

use std::path::Path;

use common::{Said, folder, run, succeed};
use image::{Rgb, RgbImage};

const TRAIN: [&str; 7] =
    ["train", "--config", "tiny.toml", "--epochs", "2", "--out", "cam/model.safetensors"];

/// `distil gradcam` with the model that [`TRAIN`] made.
fn gradcam(folder: &Path, args: &[&str]) -> Said {
    let model = ["gradcam", "--model", "cam/model.safetensors", "--out", "maps"];
    run(folder, &[&model, args].concat())
}

#[track_caller]
fn refused(said: &Said, pieces: &[&str]) {
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{}", said.err);
    assert!(said.err.lines().count() <= 2, "{}", said.err);
    for piece in pieces {
        assert!(said.err.contains(piece), "{piece:?} is missing in: {}", said.err);
    }
}

/// Names of the overlays, which are all pictures of one size.
fn overlays(folder: &Path) -> Vec<String> {
    let entries = folder.join("maps").read_dir().expect("overlays");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let picture = image::open(&path).expect("a picture");
            assert_eq!((picture.width(), picture.height()), (2 * 192 + 4, 192), "{}", path.display());
            path.file_name().expect("a name").to_string_lossy().into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn maps_of_datasets_sets_and_files() {
    let folder = folder();
    let at = folder.path();
    assert!(succeed(at, &TRAIN).contains("convnet for the 10 classes of clutter-easy"));
    let said = gradcam(at, &["--config", "tiny.toml", "--limit", "3"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(overlays(at), ["000-disc-as-disc.png", "001-ring-as-ring.png", "002-square-as-square.png"]);
    assert_eq!(said.out.lines().count(), 5, "{}", said.out);
    let first = std::fs::read(at.join("maps/000-disc-as-disc.png")).expect("an overlay");

    let named = ["clutter-easy", "--config", "tiny.toml", "--limit", "1", "--layer", "blocks.0"];
    assert_eq!(gradcam(at, &named).code, Some(0));
    assert_ne!(std::fs::read(at.join("maps/000-disc-as-disc.png")).expect("an overlay"), first);

    let photos = at.join("photos/more");
    std::fs::create_dir_all(&photos).expect("a folder");
    RgbImage::from_fn(40, 30, |x, y| Rgb([x as u8 * 6, y as u8 * 8, 90]))
        .save(photos.join("a b.jpg"))
        .expect("a photo");
    for cam in ["grad-cam", "grad-cam++", "smooth-grad-cam++", "public-code"] {
        let said = gradcam(at, &["photos", "--cam", cam, "--class", "heart"]);
        assert!(said.out.contains("000-a_b-as-heart.png"), "{cam}: {}", said.err);
    }
    assert_eq!(gradcam(at, &["photos/more/a b.jpg", "--class", "9"]).code, Some(0));
    assert!(at.join("maps/000-a_b-as-zigzag.png").is_file());

    succeed(at, &["expert", "--config", "tiny.toml"]);
    succeed(at, &["run", "--config", "tiny.toml", "--set", "distill.iterations=2"]);
    let set = "runs/tiny/synthetic/last.safetensors";
    assert_eq!(gradcam(at, &[set]).code, Some(0));
    assert_eq!(overlays(at).iter().filter(|name| name.starts_with("009")).count(), 1);
}

#[test]
fn what_does_not_fit_is_refused() {
    let folder = folder();
    let at = folder.path();
    refused(&gradcam(at, &["--config", "tiny.toml"]), &["cam/model.safetensors", "cannot read"]);
    succeed(at, &TRAIN);
    let set = |set: &str| gradcam(at, &["--config", "tiny.toml", "--set", set]);
    refused(&set("data.resolution=20"), &["3x20x20", "takes 3x16x16", "train"]);
    refused(&gradcam(at, &["nowhere.png"]), &["nowhere.png", "neither a file", "distil datasets"]);
    std::fs::create_dir(at.join("none")).expect("a folder");
    refused(&gradcam(at, &["none"]), &["there is no picture in none"]);
    refused(&gradcam(at, &["--config", "tiny.toml", "--class", "disk"]), &["\"disk\"", "disc"]);
    refused(&gradcam(at, &["--config", "tiny.toml", "--layer", "layer4"]), &["layer4", "blocks.1"]);
    std::fs::write(at.join("broken.png"), "no picture").expect("a file");
    refused(&gradcam(at, &["broken.png"]), &["broken.png", "cannot be read as an image"]);
    image::GrayImage::new(16_000, 16_000).save(at.join("bomb.png")).expect("a picture");
    refused(&gradcam(at, &["bomb.png"]), &["bomb.png", "67108864 are read at most"]);
    std::fs::write(at.join("cam/model.safetensors"), "no model, and no tensors").expect("a file");
    refused(&gradcam(at, &["--config", "tiny.toml"]), &["model.safetensors", "not a trained model", "train"]);
    assert!(!at.join("maps").exists());
    let out = |out: &str| run(at, &["train", "--config", "tiny.toml", "--out", out]);
    refused(&out("tiny.toml/model"), &["tiny.toml"]);
    refused(&out("cam"), &["cam is a folder", "model.safetensors"]);
}

/// Folders are read as sets are: what systems leave behind is no picture, and what is one by its content is.
#[test]
fn folders_are_walked_as_those_of_sets() {
    let folder = folder();
    let at = folder.path();
    succeed(at, &TRAIN);
    std::fs::create_dir_all(at.join("photos/.thumbnails")).expect("a folder");
    let picture = RgbImage::from_pixel(20, 16, Rgb([90, 60, 30]));
    for name in ["b.bmp", "a.png", ".thumbnails/c.png"] {
        picture.save(at.join("photos").join(name)).expect("a picture");
    }
    std::fs::rename(at.join("photos/b.bmp"), at.join("photos/scan")).expect("a name without an ending");
    for (name, bytes) in [("._a.png", &b"\0\x05\x16\x07"[..]), ("notes.txt", b"a text")] {
        std::fs::write(at.join("photos").join(name), bytes).expect("a file");
    }
    let said = gradcam(at, &["photos", "--class", "disc"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(overlays(at), ["000-a-as-disc.png", "001-scan-as-disc.png"]);
    std::fs::write(at.join("photos/d.heic"), b"\0\0\0\x18ftypheic").expect("a file");
    refused(&gradcam(at, &["photos"]), &["d.heic", "not read", "convert"]);
}

#[test]
fn names_of_classes_are_taken_from_a_file() {
    let folder = folder();
    let at = folder.path();
    succeed(at, &TRAIN);
    RgbImage::from_pixel(16, 16, Rgb([90, 60, 30])).save(at.join("a.png")).expect("a picture");
    let with = |text: &str| {
        std::fs::write(at.join("names.txt"), text).expect("a file");
        gradcam(at, &["a.png", "--classes", "names.txt", "--class", "four"])
    };
    let said = with(
        "\u{feff}nought\r\none\r\ntwo\r\nthree\r\nfour\r\nfive\r\nsix\r\nseven\r\neight\r\nnine\r\n\r\n",
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(overlays(at), ["000-a-as-four.png"]);
    refused(&with("one\ntwo\n"), &["names.txt", "2 names", "10 outputs"]);
    refused(&with("one\n\ntwo\n"), &["names.txt has an empty line 2"]);
    refused(&with("{\"0\": \"one\"}"), &["names.txt is a JSON file", "one name a line"]);
}

/// The one thing that goes wrong silently elsewhere: maps for classes that mean something else.
#[test]
fn a_model_of_other_classes_is_refused() {
    let folder = folder();
    let at = folder.path();
    succeed(at, &TRAIN);
    for (class, shade) in [("disc", 40), ("dodecahedron", 200)] {
        let images = at.join("shapes").join(class);
        std::fs::create_dir_all(&images).expect("a folder");
        for i in 0..10u8 {
            let picture = RgbImage::from_pixel(16, 16, Rgb([shade, shade + i, shade]));
            picture.save(images.join(format!("{i}.png"))).expect("an image");
        }
    }
    std::fs::write(at.join("shapes.toml"), "[data]\nname = \"folder\"\npath = \"shapes\"\n").expect("a file");
    let said = gradcam(at, &["--config", "shapes.toml"]);
    refused(
        &said,
        &["cam/model.safetensors was trained on other classes", "dodecahedron", "help:", "--class"],
    );
    assert_eq!(gradcam(at, &["--config", "shapes.toml", "--class", "disc"]).code, Some(0));
}
