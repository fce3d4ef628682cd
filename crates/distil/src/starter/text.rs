//! The configuration as people read it.

use distil_data::{DataConfig, DatasetKind};
use toml::Value;

use super::{EXPERTS, Scale};

/// The column of comments.
const COMMENTS: usize = 34;

/// Everything that a first run says, with a comment on what to change later.
pub(super) fn of(name: &str, data: &DataConfig, scale: &Scale) -> String {
    let Scale { width, epochs, batch, iterations, .. } = *scale;
    let (learned, last) = (2.min(epochs - 1), (epochs / 3).max(1));
    let every = (iterations / 5).max(1);
    let text = format!(
        "# Made by `distil init`. All keys: `distil schema`; other methods: `distil methods`.
# Small on purpose. What published runs take is in the comments on the right.
method = \"mtt\" # match how networks learn; `distil methods` lists others
name = {name} # results go to runs/ under this name

[data]
{data}
[model]
width = {width} # channels of the ConvNet: 128

# Networks trained on the real images, whose steps the synthetic set shall imitate.
[expert]
experts = {EXPERTS} # 100
epochs = {epochs} # 50
batch = {batch} # 256
lr = 0.02 # 0.01

[distill]
ipc = 1 # images per class: 1, 10 or 50
iterations = {iterations} # 5000
syn_steps = 20 # steps on the synthetic images that imitate expert_epochs on the real ones: 50
expert_epochs = {learned}
window = {{ min = 0, max = {last} }} # experts' epochs that are imitated
syn_lr = 0.02
syn_lr_lr = 1e-5
validate_every = {every}
checkpoint_every = 20 # so much is lost at most when it is interrupted

# How the set is judged: networks trained on it from scratch, and tested on the test images.
[eval]
epochs = 300 # 1000
full_epochs = {epochs} # of networks trained on all images, for comparison
real_lr = 0.02
seeds = 5 # networks; results are mean and deviation over them
",
        name = Value::from(name),
        data = section(data, scale),
    );
    text.lines().map(aligned).collect()
}

/// A line whose comment begins where those of others do.
fn aligned(line: &str) -> String {
    match line.split_once(" #") {
        Some((setting, comment)) if !setting.is_empty() => {
            format!("{:<COMMENTS$} #{comment}\n", setting.trim_end())
        }
        _ => format!("{line}\n"),
    }
}

fn section(data: &DataConfig, scale: &Scale) -> String {
    let mut lines = vec![format!("name = {}", Value::from(data.name.to_string()))];
    if let Some(path) = &data.path {
        lines.push(format!("path = {}", Value::from(path.display().to_string())));
    }
    if let Some(side) = scale.resolution {
        lines.push(format!("resolution = {side} # pictures become squares of so many pixels"));
    }
    if let Some(share) = scale.validation {
        lines.push(format!("validation = {share} # of the training images, which choose the best set"));
    }
    if let Some(skip) = &data.skip {
        lines.push(format!("skip = {}", Value::from(skip.clone())));
    }
    if let Some(limit) = scale.limit {
        lines.push(format!("train_limit = {limit} # training images that are used; remove it for all"));
    }
    if data.name.spec().kind() == DatasetKind::ImageFiles {
        lines.push(
            "# Without folders train/ and test/, a fifth of each class is the test part: test_share = 0.2"
                .to_owned(),
        );
    }
    lines.join("\n") + "\n"
}
