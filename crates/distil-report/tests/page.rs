//! The page as a whole: safe, self-contained, and made from whatever a run has.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use std::fs;
use std::path::Path;

use distil_report::{Gallery, Report, ReportError, soft_label_captions, write_report, write_reports};
use distil_store::{
    Card, Decoding, Inspection, LabelKind, Labels, MeasuredSet, Normalisation, Part, Preprocessing, RunPaths,
    SyntheticSet,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const HOSTILE: &str = "<script>alert('x')</script>\"><img src=http://evil.example/x onerror=\"y\">&amp;";

fn run(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("run.toml"), format!("{config}\n")).unwrap();
    folder
}

fn log(folder: &Path, events: &[Value]) {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    fs::write(RunPaths::new(folder).events(), lines.join("\n") + "\n").unwrap();
}

fn set(class: &str, iteration: u64) -> SyntheticSet {
    let card = Card {
        dataset: format!("data {class}"),
        dataset_digest: "sha256:0123".into(),
        class_names: vec![class.to_owned(), "other".into()],
        preprocessing: Preprocessing { resize: None, normalisation: Normalisation::Identity },
        decoding: Decoding::Pixels,
        label_kind: LabelKind::Soft,
        ipc: 1,
        image_classes: None,
        augmentation: class.into(),
        architecture: json!(class),
        method: class.into(),
        iteration,
        seed: 7,
        distil_version: class.into(),
        command: format!("distil run {class}"),
    };
    let labels = Labels::Soft { logits: vec![1.0, 0.0, 0.0, 1.0], classes: 2 };
    SyntheticSet { images: vec![0.5; 8], shape: [2, 1, 2, 2], labels, syn_lr: 0.01, card }
}

fn save(folder: &Path, part: Part, set: &SyntheticSet) {
    let paths = RunPaths::new(folder);
    fs::create_dir_all(paths.synthetic()).unwrap();
    set.save(paths.set(part)).unwrap();
}

fn digest_of(paths: &RunPaths) -> String {
    MeasuredSet::of(Part::Last, &paths.set(Part::Last)).unwrap().digest
}

fn gallery(set: &SyntheticSet) -> Gallery {
    Gallery {
        shape: set.shape,
        pixels_before: Some(vec![0.25; 8]),
        pixels_after: vec![0.0, 1.0, 0.5, 2.5, 0.1, 0.2, 0.3, 0.4],
        labels: vec![0, 1],
        captions: soft_label_captions(&set.labels, &set.card.class_names),
    }
}

/// The kind of a row by its title here.
fn kind(name: &str) -> Value {
    match name {
        "distilled, best on validation" => json!({"set": "best"}),
        "distilled, last" => json!({"set": "last"}),
        _ => json!("other"),
    }
}

fn evaluation(name: &str) -> Value {
    json!({
        "rows": [
            {"kind": kind(name), "name": name, "arch": "convnet", "protocol": "", "images": 2, "epochs": 10, "lr": 0.01, "accuracies": [0.5, 0.6], "seconds": 1.0,
             "summary": {"n": 2, "mean": 0.55, "std": 0.07, "ci95": [-0.08, 1.18]}},
            {"kind": "full", "name": "full data", "arch": "convnet", "protocol": "", "images": 60000, "epochs": 10, "lr": 0.01, "accuracies": [0.9], "seconds": 1.0,
             "summary": {"n": 1, "mean": 0.9, "std": 0.0, "ci95": null}},
        ],
        "paper": {"accuracy": 71.0, "std": null, "source": name, "note": name},
    })
}

/// What a network saw, as `distil inspect` keeps it.
fn inspection(text: &str, part: &str, digest: &str) -> Value {
    let point = |x: f64, class: u32, kind: &str| json!({"at": [x, -x], "class": class, "kind": kind});
    let drawn = |area: f64| json!({"png": "iVBORw0KGgo=", "area": area});
    json!({
        "network": text, "set": {"part": part, "digest": digest},
        "embedding": {"perplexity": 5.0, "seed": 3, "points": [point(0.0, 0, "real"), point(2.0, 1, "synthetic")]},
        "distances": [{"iteration": 0, "distance": 4.0}, {"iteration": 9, "distance": 5.0}], "real_distance": 6.0,
        "activations": [{"name": text, "shares": [0.25, 0.75], "mean": 0.6, "above_half": 0.75}],
        "maps": [{"number": 0, "class": 0, "before": drawn(0.25), "after": drawn(0.5)}],
    })
}

/// A run in which every text that can come from outside is hostile.
fn hostile_page() -> String {
    let folder = run(&format!("# {HOSTILE}\n"));
    let path = folder.path();
    let set = set(HOSTILE, 5);
    save(path, Part::Last, &set);
    log(
        path,
        &[
            json!({"kind": HOSTILE, "iteration": 1}),
            json!({"kind": "iteration", "iteration": 2, "loss": 0.5, "reason": HOSTILE}),
            json!({"kind": "dropout", "iteration": 2, "layers": [HOSTILE], "dropped": [1], "sizes": [2]}),
        ],
    );
    fs::write(Inspection::path(&RunPaths::new(path)), inspection(HOSTILE, "last", "").to_string()).unwrap();
    fs::write(RunPaths::new(path).evaluation(), evaluation(HOSTILE).to_string()).unwrap();
    Report::from_run(path, Some(gallery(&set))).unwrap().render()
}

/// All start tags of a page with their attributes. Enough of a parser for a page whose texts are escaped: in such a
/// page every `<` begins a tag, and quotes occur inside tags only around attributes.
fn tags(page: &str) -> Vec<&str> {
    let body = page.split_once("</style>").unwrap().1;
    body.split('<')
        .skip(1)
        .map(|piece| piece.split_once('>').unwrap().0)
        .filter(|tag| !tag.starts_with('/'))
        .collect()
}

#[test]
fn hostile_text_stays_text() {
    let page = hostile_page();
    assert!(page.matches("&lt;script&gt;").count() > 10, "the texts are on the page");
    let known = [
        "body",
        "main",
        "header",
        "h1",
        "h2",
        "h3",
        "p",
        "section",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
        "div",
        "figure",
        "figcaption",
        "span",
        "i",
        "img",
        "dl",
        "dt",
        "dd",
        "pre",
        "svg",
        "path",
        "circle",
        "text",
    ];
    for tag in tags(&page).iter().filter(|tag| **tag != "/head") {
        let name = tag.split([' ', '/']).next().unwrap();
        assert!(known.contains(&name), "unexpected element <{tag}>");
        assert!(
            !tag.contains("onerror=\"") && tag.matches('"').count() % 2 == 0,
            "an attribute broke out: <{tag}>"
        );
    }
}

#[test]
fn the_page_asks_for_nothing_outside_itself() {
    let page = hostile_page();
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    assert!(!style.contains("url(") && !style.contains("@import"));
    assert!(page.contains("default-src 'none'"));
    for tag in tags(&page) {
        for attribute in ["href=\"", "srcset=\"", "action=\"", "xlink"] {
            assert!(!tag.contains(attribute), "<{tag}>");
        }
        if let Some((_, source)) = tag.split_once("src=\"") {
            assert!(source.starts_with("data:image/png;base64,"), "<{tag}>");
        }
    }
    assert!(!page.contains("<script") && !page.contains("<link rel=\"stylesheet"));
}

#[test]
fn a_run_that_has_only_its_settings_gives_a_page() {
    let folder = run("[distil]\nipc = 3\n");
    let path = write_report(folder.path(), None).unwrap();
    let page = fs::read_to_string(path).unwrap();
    assert!(page.contains("Not evaluated yet") && page.contains("ipc = 3") && page.ends_with("</html>\n"));
    assert!(page.contains("no evaluation.json") && page.contains("No events are logged"));
    assert!(!page.contains("<img") && !page.contains("<table"));
}

#[test]
fn everything_a_run_has_is_on_the_page() {
    let folder = run("");
    let path = folder.path();
    save(path, Part::Best, &set("cat", 100));
    save(path, Part::Last, &set("dog", 200));
    log(
        path,
        &[
            json!({"kind": "iteration", "iteration": 1, "loss": 0.9, "syn_lr": 0.01, "applied": true}),
            json!({"kind": "iteration", "iteration": 2, "loss": 1.4, "applied": false, "reason": "gate"}),
            json!({"kind": "iteration", "iteration": 3, "loss": null, "applied": false, "reason": "non-finite"}),
            json!({"kind": "validation", "iteration": 100, "accuracy": 0.61, "best": true}),
            json!({"kind": "validation", "iteration": 200, "accuracy": 0.60, "best": false}),
        ],
    );
    fs::write(RunPaths::new(path).evaluation(), evaluation("distilled, best on validation").to_string())
        .unwrap();
    let page = Report::from_run(path, Some(gallery(&set("cat", 100)))).unwrap().render();
    // The chosen checkpoint's card, not the last one's.
    assert!(page.contains("distil run cat") && !page.contains("distil run dog"));
    assert_eq!(page.matches("<svg class=\"chart\"").count(), 3);
    assert_eq!(page.matches("<svg class=\"strip\"").count(), 4, "two rows, the published figure, the axis");
    assert_eq!(page.matches("<img").count(), 4);
    assert_eq!(page.matches("class=\"shown stretched\"").count(), 1);
    assert!(page.contains("1 picture with values outside"));
    assert!(page.contains("cat 73\u{a0}%, other 27\u{a0}%"));
    assert!(page.contains("1 held back by the loss gate, 1 because a value was not finite"));
    assert!(page.contains("chosen: iteration 100, 61.0 %"));
    assert!(page.contains("<p class=\"result\">2 synthetic images reach 55.0\u{a0}±\u{a0}7.0\u{a0}%"));
    assert!(!page.contains("NaN") && !page.contains("inf\""));
}

/// Results of one distilled set as `distil eval` keeps them, with scores of three classes named by `name`.
fn kept(name: &str, part: &str, digest: &str) -> Value {
    let scores = json!({
        "top5": [1.0, 1.0], "macro_f1": [0.4, 0.5],
        "pooled": {
            "rows": 8, "undecided": 0, "top1": 0.5, "top5": 1.0, "macro_f1": 0.45,
            "precision": [0.5, 0.5], "recall": [0.75, 0.25], "f1": [0.6, 0.3], "confusion": [[3, 1], [3, 1]],
            "calibration": {"ece": 0.1, "nll": 0.7, "brier": 0.5},
        },
    });
    json!({
        "key": "k", "kind": {"set": "last"}, "arch": "convnet", "protocol": "", "name": name, "images": 2, "epochs": 10, "lr": 0.01, "accuracies": [0.5, 0.6], "seconds": 1.0,
        "summary": {"n": 2, "mean": 0.55, "std": 0.07, "ci95": [-0.08, 1.18]},
        "set": {"part": part, "digest": digest}, "scores": scores,
    })
}

#[test]
fn results_of_a_set_that_the_run_has_replaced_are_not_shown() {
    let folder = run("");
    let path = folder.path();
    save(path, Part::Last, &set("cat", 100));
    let digest = digest_of(&RunPaths::new(path));
    let rows = json!({"rows": [kept("distilled, last", "last", &digest)]});
    fs::write(RunPaths::new(path).evaluation(), rows.to_string()).unwrap();
    let page = Report::from_run(path, None).unwrap().render();
    assert!(page.contains("2 synthetic images reach 55.0") && !page.contains("Out of date"));
    // The run goes on.
    save(path, Part::Last, &set("cat", 200));
    let page = Report::from_run(path, None).unwrap().render();
    assert!(page.contains("Out of date: “distilled, last” is not shown") && page.contains("`distil eval`"));
    assert!(!page.contains("55.0") && !page.contains("class=\"heat\"") && !page.contains("<h2>Results"));
}

#[test]
fn what_a_network_saw_is_drawn_and_says_when_it_is_old() {
    let folder = run("");
    let path = folder.path();
    let paths = RunPaths::new(path);
    save(path, Part::Last, &set("cat", 100));
    let digest = digest_of(&paths);
    fs::write(Inspection::path(&paths), inspection("expert 0", "last", &digest).to_string()).unwrap();
    let page = Report::from_run(path, None).unwrap().render();
    let section = page.split_once("<h2>What a network sees").unwrap().1.split_once("</section>").unwrap().0;
    assert!(
        section.contains("25.0 % → 50.0 % (+25.0)") && section.contains("class=\"scatter\""),
        "{section}"
    );
    assert!(section.contains("real images: 6") && !section.contains("class=\"warning\""), "{section}");
    assert_eq!((section.matches("<svg class=\"chart\"").count(), section.matches("<img").count()), (2, 2));
    save(path, Part::Last, &set("cat", 200));
    let page = Report::from_run(path, None).unwrap().render();
    assert!(page.contains("the run has replaced it since"), "a different set from the one inspected");
    fs::write(Inspection::path(&paths), "[]").unwrap();
    assert!(Report::from_run(path, None).unwrap_err().to_string().contains("inspection.json"));
}

#[test]
fn dropout_is_a_table_of_layers() {
    let folder = run("");
    let entry = |iteration: u64, dropped: [u64; 2]| json!({"kind": "dropout", "iteration": iteration, "layers": ["conv.weight", "classifier.bias"], "dropped": dropped, "sizes": [8, 2]});
    log(folder.path(), &[entry(1, [2, 2]), entry(101, [6, 0])]);
    let page = Report::from_run(folder.path(), None).unwrap().render();
    let section = page.split_once("<h2>What dropout").unwrap().1.split_once("</section>").unwrap().0;
    assert!(section.contains("conv.weight") && section.contains("<td>50.0</td>"), "{section}");
    assert!(section.contains("50.0 % of all, 2 entries"), "{section}");
}

/// A folder with a run of two losses, and results by students with these accuracies.
fn measured(name: &str, accuracies: [f64; 3], test: &str) -> TempDir {
    let folder = run("");
    save(folder.path(), Part::Last, &set(name, 100));
    let digest = digest_of(&RunPaths::new(folder.path()));
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    let rows = json!({"rows": [{
        "key": "k", "kind": {"set": "last"}, "arch": "convnet", "protocol": "", "name": "distilled, last", "images": 2, "epochs": 10, "lr": 0.01, "seconds": 1.0, "accuracies": accuracies,
        "summary": {"n": 3, "mean": mean, "std": 0.01, "ci95": [mean - 0.01, mean + 0.01]},
        "set": {"part": "last", "digest": digest},
        "conditions": {"dataset": "cats", "test": test, "network": {}, "protocol": {}},
    }]});
    fs::write(RunPaths::new(folder.path()).evaluation(), rows.to_string()).unwrap();
    log(
        folder.path(),
        &[1, 2].map(
            |i| json!({"kind": "iteration", "iteration": i, "loss": 1.0 / f64::from(i), "syn_lr": 0.01}),
        ),
    );
    folder
}

#[test]
fn several_runs_share_a_page_and_only_like_is_compared() {
    let runs = [
        measured("first", [0.50, 0.51, 0.52], "t"),
        measured(HOSTILE, [0.60, 0.61, 0.62], "t"),
        measured("elsewhere", [0.90, 0.91, 0.92], "other"),
    ];
    let reports: Vec<Report> = runs.iter().map(|run| Report::from_run(run.path(), None).unwrap()).collect();
    let file = runs[0].path().join("all.html");
    write_reports(&file, &reports).unwrap();
    let page = fs::read_to_string(&file).unwrap();
    let section = page.split_once("<h2>Side by side").unwrap().1.split_once("</section>").unwrap().0;
    assert!(section.contains("<td>+10.0</td>") && section.contains("<td>not comparable</td>"), "{section}");
    assert!(section.contains("compare results on the same test images"), "{section}");
    assert_eq!(section.matches("<svg class=\"chart\"").count(), 2, "losses and step sizes, no validation");
    assert_eq!((page.matches("class=\"run-title\"").count(), page.matches("<h1>").count()), (3, 1));
    assert!(!page.contains("<script") && !page.contains("NaN"));
    assert_eq!(Report::render_all(&reports[..1]).unwrap(), reports[0].render());
    assert!(Report::render_all(&[]).unwrap_err().to_string().contains("name at least one"));
}

#[test]
fn classes_are_shown_one_by_one_and_their_names_are_text() {
    let folder = run("");
    let path = folder.path();
    save(path, Part::Last, &set(HOSTILE, 100));
    let digest = digest_of(&RunPaths::new(path));
    let rows = json!({"rows": [kept("distilled, last", "last", &digest)]});
    fs::write(RunPaths::new(path).evaluation(), rows.to_string()).unwrap();
    let page = Report::from_run(path, None).unwrap().render();
    let section = page.split_once("<h2>Class by class").unwrap().1.split_once("</section>").unwrap().0;
    assert!(section.contains("class=\"heat\"") && section.contains("<td>75.0</td>"), "{section}");
    assert!(section.contains("45.0 ± 7.1 %") && section.contains("8 predictions of 2 students"), "{section}");
    assert!(section.contains(">&lt;script&gt;aler…</text>") && !section.contains("<script"), "{section}");
}

#[test]
fn faults_name_what_is_wrong() {
    let folder = run("");
    let path = folder.path();
    let bad = Gallery { labels: vec![0], ..gallery(&set("cat", 1)) };
    let error = write_report(path, Some(bad)).unwrap_err();
    assert!(error.to_string().contains("1 labels for 2 images"), "{error}");
    fs::write(RunPaths::new(path).evaluation(), "[]").unwrap();
    let error = write_report(path, None).unwrap_err();
    assert!(
        matches!(error, ReportError::Store(_)) && error.to_string().contains("evaluation.json"),
        "{error}"
    );
    assert!(!RunPaths::new(path).report().exists());
    let error = Report::from_run(&path.join("missing"), None).unwrap_err();
    assert!(error.to_string().contains("not a run folder"), "{error}");
}
