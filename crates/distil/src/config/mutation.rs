//! Damaged configurations: a refusal in one line, never a panic.

use std::path::Path;

use distil_damage::{assault, cases};

use super::{Config, Layer};

const EDF: &str = "\
method = \"edf\"\nname = \"x\"\nseed = 3\n[data]\nname = \"clutter-easy\"\nresolution = 16\nvalidation = 0.1\n\
[model]\nwidth = 4\ndepth = 2\n[expert]\nepochs = 5\nlr = 5e-2\n\
[expert.gsam]\nrho = 0.01\nalpha = 0.3\n[distill]\nipc = 2\nwindow = { min = 0, max = 3 }\nsyn_steps = 2\n\
[eval]\nprotocol = \"dc\"\nepochs = 3\n[paper]\naccuracy = 71.5\nsource = \"\"\"a\n paper\"\"\"\n";
const FOLDER: &str = "\
[data]\nname = \"folder\"\npath = '/nowhere'\nclasses = [\"b\", \"a\"]\nresize = \"centre-crop\"\nzca = true\n\
train_limit = 9\nskip = [\"a.png\"]\n[distill]\nimage_lr = inf\n";

fn read(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let loaded =
        Layer::from_text(text, Path::new("a.toml")).and_then(|layer| Config::resolve(vec![layer], "a"));
    match loaded {
        Ok(config) => {
            // What a run folder keeps must read back as the same configuration.
            let again = Layer::from_text(&config.to_toml(), Path::new("run.toml"));
            let again = again.and_then(|layer| Config::resolve(vec![layer], "a")).expect("its own words");
            assert_eq!(again, config);
            true
        }
        Err(failure) => {
            assert!(!failure.to_string().contains('\n'), "{failure}");
            false
        }
    }
}

#[test]
fn damaged_configurations_are_refused_in_one_line() {
    assert!(!read(FOLDER.as_bytes()), "a step size without an end");
    let seeds = [EDF.to_owned(), FOLDER.replace("inf", "10.0")].map(String::into_bytes);
    let accepted = assault(&seeds, |_| {}, read);
    assert!((cases() / 100..cases()).contains(&accepted), "{accepted}");
}
