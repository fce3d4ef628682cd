//! Multi-formation in the loop: one tile a side is not a tiling, and more tiles move what is stored.

mod common;

use common::{Bench, bytes, method};
use distil_match::{AreaEnhancement, Ipc, Method, MethodError, RunError, Unrolled};
use distil_store::{Decoding, RunFolder, SyntheticSet};

/// A method of each family in the sizes of the small set.
fn families() -> Vec<(&'static str, Method)> {
    let sized = |preset: Method| {
        let Method { ipc, validate_every, checkpoint_every, syn_lr, .. } = method();
        Method { ipc, validate_every, checkpoint_every, syn_lr, iterations: 4, ..preset }
    };
    let mut dd = sized(Method::dd());
    if let Some(unrolled) = dd.objective.get_mut() {
        *unrolled = Unrolled { syn_steps: 3, momentum: 0.5, batch_syn: Some(4), batch_real: 20 };
    }
    vec![
        ("trajectory", Method { iterations: 4, ..method() }),
        (
            "enhanced",
            Method { iterations: 4, ..method() }.with_trajectory(|trajectory| {
                trajectory.enhancement =
                    Some(AreaEnhancement { refresh_every: 2, ..AreaEnhancement::default() });
            }),
        ),
        ("distribution", sized(Method::dm())),
        ("gradient", Method { iterations: 2, ..sized(Method::dc()) }),
        ("unrolled", dd),
        ("selection", Method { ipc: Ipc::Each(2), ..Method::herding() }),
    ]
}

fn set(bench: &Bench, name: &str, method: &Method) -> SyntheticSet {
    let files = bench.run(name, method, |_| false);
    SyntheticSet::load(&files.last).expect("a set")
}

#[test]
fn one_tile_a_side_is_pixels_to_the_byte() {
    let bench = Bench::with_cam();
    for (name, method) in families() {
        let pixels = set(&bench, name, &method);
        let tiles = Method { decoding: Decoding::Tiles { factor: 1 }, ..method };
        let tiles = set(&bench, &format!("{name}-tiles"), &tiles);
        let bits = |set: &SyntheticSet| set.images.iter().map(|pixel| pixel.to_bits()).collect::<Vec<_>>();
        assert!(bits(&pixels) == bits(&tiles) && pixels.labels == tiles.labels, "{name}");
        assert_eq!(pixels.syn_lr.to_bits(), tiles.syn_lr.to_bits(), "{name}");
    }
}

#[test]
fn tiles_move_what_is_stored_and_resume_to_the_same_bytes() {
    let bench = Bench::with_cam();
    for (name, method) in families() {
        let method = Method { decoding: Decoding::Tiles { factor: 2 }, ..method };
        let whole = bench.run(&format!("{name}-whole"), &method, |_| false);
        let torn = bench.run(&format!("{name}-torn"), &method, |_| true);
        assert!(bytes(&whole.last) == bytes(&torn.last), "{name}");
        let [first, last] =
            [&whole.initial, &whole.last].map(|file| SyntheticSet::load(file).expect("a set"));
        assert_eq!(last.card.decoding, method.decoding);
        assert_eq!(last.decoded().shape[0], 4 * last.shape[0], "{name}");
        assert_eq!(first.images == last.images, name == "selection", "{name}");
    }
}

#[test]
fn tiles_that_cannot_be_are_refused() {
    let bench = Bench::new();
    let refused = |name: &str, method: &Method| {
        let mut folder = RunFolder::create(bench.folder.path().join(name), "a = 1").expect("a folder");
        let go = &mut |_: &distil_match::Event| std::ops::ControlFlow::Continue(());
        let error = distil_match::run(&bench.inputs(method), ("m", "t"), &mut folder, &mut |_| None, go);
        error.expect_err("it cannot be").to_string()
    };
    let error = refused("small", &Method { decoding: Decoding::Tiles { factor: 99 }, ..method() });
    assert!(error.contains("distill.decoding") && error.contains("99 tiles"), "{error}");
    let teacher = method().with_trajectory(|t| t.soft_labels = distil_match::SoftLabels::Teacher);
    let labels = distil_store::LabelKind::Soft;
    let teacher = Method { labels, decoding: Decoding::Tiles { factor: 2 }, ..teacher };
    assert_eq!(teacher.check(3), Err(MethodError::TeacherOfTiles));
    assert!(matches!(RunError::from(MethodError::TeacherOfTiles), RunError::Method(_)));
}
