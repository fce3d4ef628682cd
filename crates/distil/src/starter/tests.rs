use std::path::Path;

use distil_data::{DataConfig, DatasetName, Sides};
use distil_progress::Progress;
use image::{Rgb, RgbImage};

use super::*;

/// Two classes of pictures of two sizes.
fn photos(folder: &Path) -> DataConfig {
    for (class, red) in [("berry", 200), ("leaf", 20)] {
        std::fs::create_dir_all(folder.join(class)).expect("a folder");
        for number in 0..12u32 {
            let side = 20 + 8 * (number % 2);
            let picture = RgbImage::from_pixel(side, side + 4, Rgb([red, 90, number as u8 * 9]));
            picture.save(folder.join(class).join(format!("{number}.png"))).expect("a picture");
        }
    }
    crate::data::folder(folder)
}

#[test]
fn a_first_configuration_is_one_and_says_what_it_chose() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = photos(folder.path());
    let starter =
        Starter::of(&data, None, "photos", 1e-6, &Device::cpu(), Progress::none()).expect("a configuration");
    // Nothing fits in no time: the smallest there is.
    assert_eq!((starter.scale.resolution, starter.scale.width), (Some(16), 16));
    assert_eq!(starter.scale.iterations, ITERATIONS[0]);
    let layer = Layer::from_text(&starter.text, Path::new("photos.toml")).expect("TOML");
    let config = Config::resolve(vec![layer], "other").expect("a configuration");
    assert_eq!((config.name.as_str(), config.data.path.as_deref()), ("photos", Some(folder.path())));
    assert_eq!(config.expert.experts, EXPERTS);
    config.distill.check(config.expert.epochs).expect("a method that can work");
    assert_eq!((starter.scale.validation, config.data.validation), (Some(0.3), Some(HoldOut::Share(0.3))));
    assert!(starter.published.total() > starter.durations.total());
    assert_eq!(starter.images[0], 4, "as many as the time allows, at least two of each class");
}

#[test]
fn pictures_are_never_enlarged_and_small_ones_of_one_size_stay() {
    let sides = |typical, alike| Some(Sides { typical, alike });
    let largest = |sides| candidates(sides)[0];
    assert_eq!(largest(sides(500, false)), (Some(64), 128));
    assert_eq!(largest(sides(48, false)), (Some(32), 128));
    assert_eq!(largest(sides(28, true)), (None, 128));
    assert_eq!(largest(sides(96, true)), (Some(64), 128));
    assert_eq!(largest(None), (None, 128));
    assert_eq!(
        candidates(sides(9, false)),
        [(Some(16), 32), (Some(16), 16)],
        "the smallest that a network takes"
    );
}

#[test]
fn experts_of_any_data_make_steps_enough() {
    for images in [2, 68, 1000, 50_000, 1_000_000] {
        let (epochs, batch) = (epochs(images), batch(images));
        assert!((EPOCHS[0]..=EPOCHS[1]).contains(&epochs) && (16..=256).contains(&batch));
        let steps = epochs * images.div_ceil(batch);
        assert!(steps >= EXPERT_STEPS || epochs == EPOCHS[1], "{images}: {steps}");
    }
}

#[test]
fn named_data_need_no_path() {
    let data = DataConfig::new(DatasetName::ClutterEasy);
    let starter =
        Starter::of(&data, None, "clutter", 1e-6, &Device::cpu(), Progress::none()).expect("a configuration");
    assert!(starter.text.contains("name = \"clutter-easy\"") && !starter.text.contains("path"));
}

#[test]
fn what_cannot_be_read_is_said_before_a_configuration_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = photos(folder.path());
    std::fs::write(folder.path().join("leaf/cut.png"), b"\x89PNG\r\n\x1a\n").expect("a file");
    let start = |data: &DataConfig| Starter::of(data, None, "x", 1e-6, &Device::cpu(), Progress::none());
    let error = start(&data).expect_err("a bad picture").to_string();
    assert!(error.contains("cut.png"), "{error}");
    let skip = Some(vec!["leaf/cut.png".to_owned()]);
    let starter = start(&DataConfig { skip, ..data }).expect("the others are fine");
    assert!(starter.text.contains("skip = [\"leaf/cut.png\"]"), "{}", starter.text);
}
