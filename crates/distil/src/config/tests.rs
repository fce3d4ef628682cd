use std::path::Path;

use distil_match::methods;

use super::Config;

/// Loads a file of this text.
fn load(text: &str, sets: &[&str]) -> Result<Config, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("row.toml");
    std::fs::write(&file, text).expect("a file");
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Config::load(&file, &sets).map_err(|failure| {
        let help = failure.remedy().map_or_else(String::new, |remedy| format!("\nhelp: {remedy}"));
        format!("error: {failure}{help}").replace(&file.display().to_string(), "row.toml")
    })
}

fn refusal(text: &str, sets: &[&str]) -> String {
    load(text, sets).expect_err("a refusal")
}

#[test]
fn layers_override_each_other() {
    let config = load("", &[]).unwrap();
    assert_eq!((config.name.as_str(), config.method.as_str(), config.seed), ("row", "mtt", 0));
    let text =
        "name = \"x\"\nmethod = \"datm\"\n[distill]\nipc = 3\nwindow = { max = 7 }\n[expert]\nepochs = 20";
    let config = load(text, &["distill.ipc=5", "distill.init=noise", "seed=4"]).unwrap();
    assert_eq!((config.name.as_str(), config.distill.ipc.clone(), config.seed), ("x", 5.into(), 4));
    assert_eq!(config.distill.init, distil_match::Init::Noise);
    // From the preset: what neither the file nor --set says, key by key.
    let trajectory = config.distill.trajectory().unwrap();
    assert_eq!((trajectory.window.min, trajectory.window.max, trajectory.syn_steps), (0, 7, 80));
    assert!(config.expert.gsam.is_some() && config.expert.epochs == 20);
    let other = load(text, &["method=mtt"]).unwrap();
    assert!(other.expert.gsam.is_none() && other.distill.trajectory().unwrap().window.max == 7);
}

#[test]
fn every_preset_resolves_and_reads_back() {
    for method in methods().into_iter().map(|row| row.name) {
        let config = load(
            "[paper]\naccuracy = 46.2\nsource = \"a paper\"",
            &[&format!("method={method}"), "expert.store=elsewhere", "data.train_limit=100"],
        );
        let config = config.unwrap();
        assert_eq!(config.method.as_str(), method);
        assert_eq!(config.store.as_deref(), Some(Path::new("elsewhere")));
        assert_eq!(load(&config.to_toml(), &[]).unwrap(), config, "{}", config.to_toml());
    }
}

#[test]
fn parts_of_edf_are_switched_and_set_key_by_key() {
    let edf = load("method = \"edf\"", &[]).unwrap().distill;
    assert_eq!(edf, distil_match::Method::edf());
    let text = "method = \"edf\"\n[distill.dropout]\ncriterion = \"middle\"\n[distill.enhancement]\nmodel = \"cam.safetensors\"\nthreshold = { fixed = 0.5 }";
    let config = load(text, &["distill.enhancement.beta=2"]).unwrap();
    let trajectory = config.distill.trajectory().unwrap().clone();
    let (dropout, enhancement) = (trajectory.dropout.unwrap(), trajectory.enhancement.unwrap());
    assert_eq!((dropout.ratio, dropout.criterion), (0.25, distil_match::Criterion::Middle));
    assert_eq!((enhancement.beta, enhancement.refresh_every), (2.0, 100));
    assert_eq!(load(&config.to_toml(), &[]).unwrap(), config);
    // Off stays off when it is read back, and any method can have either part.
    let off = load(text, &["distill.enhancement=off", "distill.dropout=off"]).unwrap();
    let trajectory = off.distill.trajectory().unwrap();
    assert!(trajectory.enhancement.is_none() && trajectory.dropout.is_none());
    assert_eq!(load(&off.to_toml(), &[]).unwrap(), off, "{}", off.to_toml());
    let datm =
        load("method = \"datm\"", &["distill.dropout.ratio=0.5", "distill.range=auto"]).unwrap().distill;
    let datm = datm.trajectory().unwrap();
    assert_eq!((datm.dropout.unwrap().ratio, datm.range), (0.5, distil_match::Range::Auto));
}

#[test]
fn effect_alignment_is_set_key_by_key() {
    let text = "method = \"ead\"\n[distill]\ncheckpoints = 2\nwindow = { min = 1, max = 4 }";
    let sets = ["distill.coefficient=printed", "distill.batch_syn=5", "distill.weights=[1, 1, 0.5, 0.1]"];
    let config = load(text, &sets).unwrap();
    let effect = config.distill.objective.get::<distil_match::EffectAlignment>().expect("EAD aligns effects");
    assert_eq!((effect.checkpoints, effect.batch_syn, effect.window.min), (2, Some(5), 1));
    assert_eq!(effect.coefficient, distil_match::Coefficient::Printed);
    assert_eq!(load(&config.to_toml(), &[]).unwrap(), config);
    let text = refusal("method = \"ead\"", &["distill.syn_steps=3"]);
    assert!(text.starts_with("error: --set distill.syn_steps=3: unknown key `distill.syn_steps`"), "{text}");
    let text = refusal("method = \"ead\"", &["distill.checkpoint=3"]);
    assert!(text.ends_with("did you mean `distill.checkpoints`?"), "{text}");
    assert!(refusal("method = \"ead\"", &["distill.checkpoints=99"]).contains("distill.checkpoints = 99"));
}

#[test]
fn teacher_labels_are_soft() {
    let sets = ["method=tesla", "distill.soft_labels=teacher"];
    assert!(refusal("", &sets).contains("needs distill.labels = \"soft\""));
    let config = load("[distill]\nlabels = \"soft\"", &sets).unwrap();
    assert_eq!(config.distill.trajectory().unwrap().soft_labels, distil_match::SoftLabels::Teacher);
}

#[test]
fn keys_of_another_method_are_unknown() {
    let text = refusal("method = \"random\"\n[distill]\nipc = 2\nsyn_steps = 3", &[]);
    assert!(text.starts_with("error: row.toml, line 4: unknown key `distill.syn_steps`"), "{text}");
    // Of two slips, one is named; the other comes next.
    let text = refusal("[distill]\nsyn_steps = \"x\"", &["distill.window.maxx=3"]);
    assert!(text.contains("distill.window.maxx") || text.contains("distill.syn_steps"), "{text}");
}

#[test]
fn slips_in_parts_of_edf_are_named() {
    let text = refusal("", &["method=edf", "distill.enhancement.betta=2"]);
    assert!(text.ends_with("did you mean `distill.enhancement.beta`?"), "{text}");
    let text = refusal("", &["method=edf", "distill.dropout=no"]);
    assert!(text.contains("distill.dropout") && text.contains("\"off\" or a table"), "{text}");
    let text = refusal("", &["method=edf", "distill.dropout.criterion=midle"]);
    assert!(text.contains("distill.dropout.criterion") && text.contains("unknown variant `midle`"), "{text}");
    assert!(refusal("", &["method=edf", "distill.dropout.ratio=1"]).contains("dropout.ratio = 1"));
    assert!(
        refusal("", &["method=edf", "distill.enhancement.refresh_every=0"]).contains("refresh_every is 0")
    );
}

#[test]
fn unknown_keys_name_their_place_and_the_nearest_key() {
    let text = refusal("[distill]\nipcs = 3", &[]);
    assert_eq!(
        text,
        "error: row.toml, line 2: unknown key `distill.ipcs`\nhelp: did you mean `distill.ipc`?"
    );
    let text = refusal("", &["distill.windw.max=3"]);
    assert_eq!(
        text,
        "error: --set distill.windw.max=3: unknown key `distill.windw`\nhelp: did you mean `distill.window`?"
    );
    let text = refusal("", &["distill.window.maxx=3"]);
    assert!(text.ends_with("did you mean `distill.window.max`?"), "{text}");
    // A key of another section.
    let text = refusal("ipc = 10", &[]);
    assert_eq!(text, "error: row.toml, line 1: unknown key `ipc`\nhelp: did you mean `distill.ipc`?");
    let text = refusal("[data]\nresolutoin = 10", &[]);
    assert!(text.ends_with("did you mean `data.resolution`?"), "{text}");
    let text = refusal("[expert]\nstroe = \"x\"", &[]);
    assert!(text.ends_with("did you mean `expert.store`?"), "{text}");
    let text = refusal("[eval]\nqqqqqq = 1", &[]);
    assert!(text.contains("help: known keys there: eval.augmentation, eval.batch,"), "{text}");
}

#[test]
fn wrong_values_name_their_key_and_an_example() {
    let text = refusal("[distill]\nipc = \"many\"", &[]);
    assert!(text.starts_with("error: row.toml, line 2: distill.ipc: string \"many\", expected"), "{text}");
    assert!(text.ends_with("help: for example distill.ipc = 1"), "{text}");
    let text = refusal("[distill]\nipc = 2", &["distill.ipc=-1"]);
    assert!(text.starts_with("error: --set distill.ipc=-1: distill.ipc: integer `-1`, expected"), "{text}");
    let text = refusal("method = \"mttt\"", &[]);
    assert!(text.starts_with("error: row.toml, line 1: method: unknown method `mttt`, expected"), "{text}");
    let text = refusal("", &["distill.init=rael"]);
    assert!(text.contains("unknown variant `rael`") && text.contains("distill.init"), "{text}");
    let text = refusal("[paper]\naccuracy = 3.0", &[]);
    assert!(text.contains("paper: missing field `source`"), "{text}");
    let text = refusal("[expert]\nstore = 3", &[]);
    assert!(text.contains("row.toml, line 2: expert.store"), "{text}");
    for (set, key) in [("distill=3", "distill"), ("name.x=1", "name"), ("expert=1", "expert")] {
        let text = refusal("", &[set]);
        assert!(text.starts_with(&format!("error: --set {set}: {key}:")), "{text}");
    }
}

#[test]
fn ranges_and_forms_are_checked() {
    assert!(refusal("", &["distill.ipc=0"]).contains("distill.ipc is 0"));
    assert!(refusal("", &["eval.momentum=1.5"]).contains("eval.momentum = 1.5"));
    assert!(refusal("name = \"../x\"", &[]).contains("cannot name a folder"));
    assert!(refusal("", &["distill.window.max=90"]).contains("expert.epochs"));
    for malformed in ["distill.ipc", "=3", "a..b=3", ".a=1"] {
        assert!(refusal("", &[malformed]).contains("is not of the form key=value"), "{malformed}");
    }
    let text = refusal("name = 'x'\n[distill\nipc = 1", &[]);
    assert!(text.starts_with("error: row.toml, line 2:"), "{text}");
    assert!(Config::load(Path::new("no/such.toml"), &[]).is_err());
}

#[test]
fn a_named_protocol_starts_the_section_over() {
    use distil_eval::{Protocol, ProtocolName};

    let text = "method = \"m-datm\"\n[eval]\nepochs = 7\nseeds = 1";
    let config = load(text, &[]).unwrap();
    assert_eq!(config.eval, Protocol { epochs: 7, seeds: 1, ..Protocol::named(ProtocolName::Eccv2024) });
    // What the file says belongs to the file's protocol.
    let other = load(text, &["eval.protocol=dc", "eval.batch=9"]).unwrap();
    assert_eq!(other.eval, Protocol { batch: 9, ..Protocol::named(ProtocolName::Dc) });
    let text = "[eval]\nprotocol = \"rded-kd\"\nepochs = 7\nteacher = \"t.safetensors\"\n[eval.distillation]\nmix = \"mixup\"\ntemperature = 4";
    let taught = load(text, &[]).unwrap().eval;
    assert_eq!(
        taught.described(),
        "rded-kd with distillation = {\"mix\":\"mixup\",\"mix_alpha\":1.0,\"temperature\":4.0}, epochs = 7"
    );
}

/// Every key that a resolved configuration of any method has, and no other, is in the schema's list.
#[test]
fn the_schema_knows_every_key() {
    fn leaves(table: &toml::Table, prefix: &str, found: &mut Vec<String>) {
        for (key, value) in table {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                toml::Value::Table(inner) => leaves(inner, &path, found),
                _ => found.push(path),
            }
        }
    }
    for row in methods() {
        let sets =
            [format!("method={}", row.name), "expert.store=x".to_owned(), "data.train_limit=9".to_owned()];
        let config = load("", &sets.each_ref().map(String::as_str)).unwrap();
        let mut found = Vec::new();
        leaves(&config.to_toml().parse().unwrap(), "", &mut found);
        let known = super::keys(row);
        let unknown: Vec<&String> = found.iter().filter(|key| !known.contains(key)).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", row.name);
        for key in ["expert.gsam.rho", "eval.distillation.temperature", "paper.source", "model.depth"] {
            assert!(known.iter().any(|known| known == key), "{key}");
        }
    }
    let own = |name: &str| super::keys(distil_match::method(name).unwrap());
    assert!(own("edf").contains(&"distill.enhancement.cam.smooth-grad-cam-plus-plus.sigma".to_owned()));
    assert!(
        own("ead").contains(&"distill.weights".to_owned())
            && !own("dm").contains(&"distill.window".to_owned())
    );
}

/// `configs/distil.schema.json` is what `distil schema` prints.
#[test]
fn the_shipped_schema_is_current() {
    let shipped: serde_json::Value =
        serde_json::from_str(include_str!("../../../../configs/distil.schema.json")).unwrap();
    assert!(shipped == super::schema(), "run `distil schema > configs/distil.schema.json`");
}

/// Editors check by the schema: nothing is required, and the keys of all methods are there.
#[test]
fn the_schema_is_for_layers() {
    let schema = super::schema();
    assert!(schema.get("required").is_none() && schema["properties"]["distill"].get("required").is_none());
    for key in ["ipc", "window", "batch_real", "momentum", "checkpoints"] {
        assert!(schema["properties"]["distill"]["properties"].get(key).is_some(), "{key}");
    }
}

#[test]
fn a_protocol_reads_back_also_where_it_undoes_its_methods() {
    for sets in [
        &["method=m-datm", "eval.protocol=mtt"][..],
        &["method=m-datm", "eval.labels=given", "eval.input=distilled"],
        &["eval.protocol=dc", "eval.input=distilled"],
        &["method=datm", "eval.protocol=mtt"],
        &["eval.protocol=sre2l-kd", "eval.optimiser=sgd"],
    ] {
        let config = load("", sets).unwrap();
        assert_eq!(load(&config.to_toml(), &[]).unwrap(), config, "{}", config.to_toml());
    }
}

#[test]
fn slips_in_protocols_are_named() {
    let text = refusal("[eval]\nprotocol = \"dcc\"", &[]);
    assert!(text.starts_with("error: row.toml, line 2: eval.protocol: unknown variant `dcc`"), "{text}");
    let text = refusal("", &["eval.protocol=rded-kd", "eval.distillation.temprature=3"]);
    assert!(text.ends_with("did you mean `eval.distillation.temperature`?"), "{text}");
    assert!(refusal("", &["eval.teacher=x"]).contains("has no teacher"));
    assert!(
        refusal("", &["eval.protocol=rded-kd", "eval.distillation.temperature=0"])
            .contains("temperature = 0")
    );
}
