//! Passes that stop, go on, are cut into parts and meet bad images; rankings, selections and categories of what they find.

use distil_progress::{News, Progress};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use burn::tensor::Device;
use distil_compdd::{
    Agreement, BadImages, Category, CompddError, Definition, MapValues, Measurement, Pass, PassOptions,
    Ranking, Selected, Source, TargetClass, Verification, categories,
};
use distil_data::{DataConfig, ImageList, Normalisation, Preprocessing};
use distil_engine::Engine;
use distil_gradcam::{Cam, CamModel, ClassMap, ModelCard, Smoothing};
use distil_models::{ConvNet, Network, NetworkState};
use distil_random::stream;
use image::{Rgb, RgbImage};
use tempfile::TempDir;

const CLASSES: usize = 6;
const EACH: usize = 5;

fn names() -> Vec<String> {
    (0..CLASSES).map(|class| format!("c{class}")).collect()
}

/// Six classes of five small pictures each, of several sizes.
fn photos() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for class in 0..CLASSES {
        let at = folder.path().join(format!("c{class}"));
        std::fs::create_dir_all(&at).expect("a folder");
        for image in 0..EACH {
            let square = |x: u32, y: u32| (4..6 + 2 * class as u32).contains(&x) && y > 3 + image as u32;
            let colour =
                |x, y| if square(x, y) { [250, 40 * class as u8, 9] } else { [x as u8, y as u8, 90] };
            let picture = RgbImage::from_fn(20 + image as u32, 18, |x, y| Rgb(colour(x, y)));
            picture.save(at.join(format!("{image}.png"))).expect("a picture");
        }
    }
    folder
}

fn list(folder: &Path) -> ImageList {
    let name = "folder".parse().expect("a name");
    let config = DataConfig { path: Some(folder.to_owned()), ..DataConfig::new(name) };
    config.list().expect("images").everything()
}

fn model() -> CamModel {
    let network = Network::from(ConvNet::new(3, CLASSES, 16, 16).with_width(4).with_depth(2));
    let theta = network.init(&mut stream(0, "init", 0));
    let state = NetworkState { theta, buffers: network.init_buffers() };
    let card = ModelCard {
        architecture: serde_json::to_value(&network).expect("plain JSON"),
        class_names: names(),
        preprocessing: preprocessing(),
        dataset: "photos".to_owned(),
        dataset_digest: String::new(),
        validation_accuracy: None,
        recipe: serde_json::json!("none"),
        seed: 0,
        distil_version: String::new(),
        command: String::new(),
    };
    CamModel { network, state, card }
}

fn preprocessing() -> Preprocessing {
    let normalisation = Normalisation::MeanStd { mean: vec![0.5; 3], std: vec![0.25; 3] };
    Preprocessing { resize: None, normalisation }
}

fn smooth() -> Definition {
    Definition {
        thresholds: vec![0.5, 0.1, 0.9],
        cam: Cam::SmoothGradCamPlusPlus(Smoothing::default()),
        layer: Some("blocks.0".to_owned()),
        target: TargetClass::Predicted,
        values: MapValues::Pixels,
        seed: 3,
    }
}

/// Measures; stops after `stop` shards where it is not 0.
fn run(
    source: &Source,
    definition: &Definition,
    options: PassOptions<'_>,
    stop: usize,
) -> Result<Measurement, CompddError> {
    let (model, names) = (model(), names());
    let class_map = ClassMap::by_name(&names, &model.card.class_names).expect("the same classes");
    let pass = Pass {
        source,
        dataset: "photos",
        class_names: &names,
        model: &model,
        class_map: &class_map,
        transform: &preprocessing().into(),
        definition,
        engine: &Engine::new(Device::flex()),
        options,
    };
    let shards = Cell::new(0);
    let listener = |news: &News<'_>| {
        let News::Step(step) = news else { panic!("{news:?}") };
        shards.set(shards.get() + 1);
        assert!(step.total.is_some_and(|total| step.done <= total));
        if shards.get() == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    pass.run(Progress::to(&listener))
}

#[test]
fn stopped_passes_and_merged_parts_leave_the_same_bytes() {
    let photos = photos();
    let source = Source::Files(list(photos.path()));
    let at = |name: &str| photos.path().join(name);
    let options =
        |shard| PassOptions { shard, micro_batch: 3, save_every: Duration::ZERO, ..PassOptions::default() };
    let (whole, cut) = (at("whole.json"), at("cut.json"));
    run(&source, &smooth(), PassOptions { file: Some(&whole), ..options(30) }, 0).expect("a measurement");
    let wanted = std::fs::read(&whole).expect("a file");
    distil_damage::every_damage_is_found(&whole, || Measurement::load(&whole));
    for _ in 0..3 {
        let stopped = run(&source, &smooth(), PassOptions { file: Some(&cut), ..options(7) }, 1);
        assert!(matches!(stopped, Err(CompddError::Stopped)), "{stopped:?}");
    }
    let begun = Measurement::load(&cut).expect("the state");
    assert_eq!((begun.done(), begun.is_complete()), (21, false));
    assert!(matches!(
        Ranking::of(&begun, &Category::everything(&begun), 0),
        Err(CompddError::Unfinished { .. })
    ));
    run(&source, &smooth(), PassOptions { file: Some(&cut), ..options(4) }, 0).expect("the rest");
    assert_eq!(std::fs::read(&cut).expect("a file"), wanted);

    let part = |part| run(&source, &smooth(), PassOptions { part, ..options(4) }, 0).expect("a part");
    let (one, two, three) = (part((1, 3)), part((2, 3)), part((3, 3)));
    let merged = Measurement::merge(&[three.clone(), one.clone(), two]).expect("a whole");
    merged.save(&cut).expect("a file");
    assert_eq!(std::fs::read(&cut).expect("a file"), wanted);
    assert!(matches!(Measurement::merge(&[one.clone(), one.clone()]), Err(CompddError::Merge(_))));
    let hole = Measurement::merge(&[one, three]).expect("not all parts");
    assert!(!hole.is_complete());
}

#[test]
fn a_measurement_goes_on_only_with_what_it_began_with() {
    let photos = photos();
    let file = photos.path().join("state.json");
    let source = Source::Files(list(photos.path()));
    let options = PassOptions { shard: 7, file: Some(&file), ..PassOptions::default() };
    let _ = run(&source, &Definition::default(), options, 1);
    for (definition, options) in [
        (Definition { thresholds: vec![0.4], ..Definition::default() }, options),
        (Definition::default(), PassOptions { part: (1, 2), ..options }),
    ] {
        let refused = run(&source, &definition, options, 0);
        assert!(matches!(refused, Err(CompddError::Other { .. })), "{refused:?}");
    }
    std::fs::remove_file(photos.path().join("c0/0.png")).expect("a picture");
    let refused = run(&Source::Files(list(photos.path())), &Definition::default(), options, 0);
    assert!(refused.expect_err("other images").to_string().starts_with("the images differ"));
}

#[test]
fn bad_images_end_the_pass_or_are_listed_and_change_no_other() {
    let photos = photos();
    let bad = photos.path().join("c1/2.png");
    let good = run(&Source::Files(list(photos.path())), &smooth(), PassOptions::default(), 0)
        .expect("a measurement");
    std::fs::write(&bad, "no picture").expect("a file");
    let source = Source::Files(list(photos.path()));
    let error = run(&source, &smooth(), PassOptions::default(), 0).expect_err("a bad image").to_string();
    assert!(error.contains("c1/2.png") && error.contains("--skip-bad"), "{error}");
    let options = PassOptions { bad: BadImages::Skip, shard: 8, ..PassOptions::default() };
    let found = run(&source, &smooth(), options, 0).expect("the others");
    assert_eq!(found.skipped.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["c1/2.png"]);
    for (class, (found, good)) in found.classes.iter().zip(&good.classes).enumerate() {
        assert_eq!(found == good, class != 1, "class {class}");
    }
    for image in 0..EACH {
        std::fs::write(photos.path().join(format!("c1/{image}.png")), "no picture").expect("a file");
    }
    let error = run(&source, &smooth(), PassOptions { shard: 12, ..options }, 0).expect_err("an empty class");
    assert!(matches!(&error, CompddError::EmptyClass { name } if name == "c1"), "{error}");
    let error = run(&source, &smooth(), PassOptions { shard: 5, ..options }, 0).expect_err("a lost disk");
    assert!(matches!(error, CompddError::NothingReadable { first: 5, images: 5, .. }), "{error}");
}

#[test]
fn lower_thresholds_are_met_by_more_of_every_image() {
    let photos = photos();
    let found = run(&Source::Files(list(photos.path())), &smooth(), PassOptions::default(), 0)
        .expect("a measurement");
    for class in &found.classes {
        let [half, tenth, most] = [0, 1, 2].map(|at| class.complexity(at).expect("images"));
        assert!(tenth <= half && half <= most && tenth < most, "{class:?}");
        assert_eq!(class.images, EACH as u64);
    }
    assert_eq!(found.histogram.iter().sum::<u64>(), (CLASSES * EACH * 16 * 16) as u64);
    assert_eq!(found.csv().lines().count(), CLASSES + 1);
    for bad in [vec![], vec![0.5, 0.5], vec![0.0], vec![f64::NAN]] {
        assert!(Definition { thresholds: bad, ..Definition::default() }.check().is_err());
    }
}

#[test]
fn measurements_agree_by_their_classes_whatever_their_order() {
    let photos = photos();
    let found = run(&Source::Files(list(photos.path())), &smooth(), PassOptions::default(), 0)
        .expect("a measurement");
    let tau = |other: &Measurement| Agreement::of(&found, other, None).map(|found| found.tau.coefficient);
    let mut other = found.clone();
    other.classes.reverse();
    assert_eq!(tau(&other).expect("the same classes"), 1.0);
    // Every class with the numbers of the one at the other end of the order.
    let ranking = Ranking::of(&found, &Category::everything(&found), 0).expect("a ranking").classes;
    for class in &mut other.classes {
        let rank = ranking.iter().position(|one| one.class == class.name).expect("a class");
        class.name.clone_from(&ranking[CLASSES - 1 - rank].class);
    }
    assert_eq!(tau(&other).expect("the same classes"), -1.0);
    other.classes[0].name = "c9".to_owned();
    for (a, b) in [(&found, &other), (&other, &found)] {
        assert!(matches!(Agreement::of(a, b, None), Err(CompddError::NotMeasured { missing: 1, .. })));
    }
    let error = Agreement::of(&found, &found, Some(0.7)).expect_err("no such threshold");
    assert!(matches!(error, CompddError::NoThreshold { .. }));
}

#[test]
fn selections_hold_against_the_measurement_they_were_made_from() {
    let photos = photos();
    let found = run(&Source::Files(list(photos.path())), &smooth(), PassOptions::default(), 0)
        .expect("a measurement");
    let ranking = Ranking::of(&found, &Category::everything(&found), 0).expect("a ranking");
    assert!(ranking.classes.windows(2).all(|pair| pair[0].complexity >= pair[1].complexity));
    let selection = ranking.select(3).expect("six classes");
    let names = selection.names();
    assert_eq!(names.hard[0], ranking.classes[0].class);
    assert_eq!(names.easy[0], ranking.classes[5].class);
    assert!(matches!(ranking.select(4), Err(CompddError::TooFew { needed: 8, .. })));
    let file = photos.path().join("selection.toml");
    std::fs::write(&file, Selected::toml(std::slice::from_ref(&names))).expect("a file");
    let [read] = &Selected::read(&file).expect("a selection")[..] else { panic!("one category") };
    assert_eq!(*read, names);
    let held = Verification::of(&found, read, 0).expect("a verification");
    assert!(held.hard_confirmed == 3 && held.ordered > 0.7 && held.hard.mean >= held.easy.mean, "{held:?}");
    let turned = Selected { easy: names.hard.clone(), hard: names.easy.clone(), ..names };
    assert!(Verification::of(&found, &turned, 0).expect("a verification").ordered < 0.3);
    let wnids = |tail: &str| (0..CLASSES).map(|at| format!("n0000000{at}{tail}")).collect::<Vec<_>>();
    let mut named = found.clone();
    for (class, name) in named.classes.iter_mut().zip(wnids("")) {
        class.name = name;
    }
    let published = Category { name: "all".to_owned(), classes: wnids(" bird") };
    let ranked = Ranking::of(&named, &published, 0).expect("the same wnids").classes;
    assert!(ranked.iter().zip(&ranking.classes).all(|(a, b)| a.complexity == b.complexity), "{ranked:?}");
    let other = Category { name: "birds".to_owned(), classes: vec!["c0".to_owned(), "c9".to_owned()] };
    let error = Ranking::of(&found, &other, 0).expect_err("an unknown class").to_string();
    assert!(error.contains("birds") && error.contains("\"c9\""), "{error}");
    assert!(matches!(found.threshold(Some(0.7)), Err(CompddError::NoThreshold { .. })));
}

#[test]
fn categories_of_the_networks_own_view_hold_every_class_once() {
    let photos = photos();
    let found = run(&Source::Files(list(photos.path())), &smooth(), PassOptions::default(), 0)
        .expect("a measurement");
    for smallest in 1..=CLASSES {
        let each = categories(&found, smallest).expect("categories");
        assert!(each.iter().all(|category| category.classes.len() >= smallest));
        let mut classes: Vec<String> = each.into_iter().flat_map(|category| category.classes).collect();
        classes.sort();
        assert_eq!(classes, names(), "{smallest}");
    }
    assert_eq!(categories(&found, 1).expect("categories").len(), CLASSES);
    assert!(categories(&found, CLASSES + 1).is_err());
}

#[test]
fn the_published_categories_are_there_and_music_is_short_of_one() {
    let (categories, selected) = (Category::published(), Selected::published());
    assert_eq!((categories.len(), selected.len()), (8, 8));
    for (category, selected) in categories.iter().zip(&selected) {
        let music = category.name == "music";
        assert_eq!(selected.easy.len(), 10);
        assert_eq!((selected.hard.len(), category.classes.len()), if music { (9, 19) } else { (10, 20) });
    }
}
