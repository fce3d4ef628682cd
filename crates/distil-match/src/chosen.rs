//! Real images that a set starts from because they stand for their class.

use burn::tensor::{Device, Tensor};
use distil_data::Split;
use distil_engine::At;
use distil_random::stream;

use crate::clusters::features;
use crate::methods::Cluster;
use crate::{Init, InitError, Inputs, real};

/// A real image that a synthetic one starts from.
pub(crate) struct Chosen {
    pub(crate) row: usize,
    /// The images that it stands for; itself alone where it was not chosen for others.
    pub(crate) members: Vec<usize>,
}

impl From<usize> for Chosen {
    fn from(row: usize) -> Self {
        Self { row, members: vec![row] }
    }
}

/// The `ipc` images of a class that represent it, by the features before the classifier of the first expert after its
/// last epoch.
pub(crate) fn selected(
    rows: &[usize],
    class: u64,
    ipc: usize,
    inputs: &Inputs<'_>,
) -> Result<Vec<Chosen>, InitError> {
    let Inputs { method, net, .. } = inputs;
    let experts = inputs.experts()?;
    let expert = experts.store.expert(experts.numbers[0])?;
    let [theta, buffers] = inputs.snapshot(&expert, expert.snapshots() - 1);
    let at = At::evaluation(net, &theta, &buffers);
    let features = features(at, rows, inputs);
    let at = |indices: Vec<usize>| indices.into_iter().map(|i| Chosen::from(rows[i])).collect();
    Ok(match method.init {
        Init::Herding => at(features.herding(ipc)),
        Init::KCenter => at(features.k_center(ipc)),
        Init::Noise | Init::Real | Init::Correct | Init::Mix | Init::MixKMeans | Init::Forgetting => {
            unreachable!("chosen without features")
        }
        Init::KMeans | Init::KMeansCentroids => {
            clustered(rows, &features.k_means(ipc, (inputs.seed, class)), ipc)
        }
    })
}

/// Images of a class, those first that are nearest to as many k-means centroids as tiles are needed, by the features of the network that the
/// first iteration begins with.
pub(crate) fn nearest_first(rows: &[usize], class: usize, ipc: usize, inputs: &Inputs<'_>) -> Vec<usize> {
    let Inputs { method, net, seed, .. } = *inputs;
    let theta = net.theta(&net.init(&mut stream(seed, "match-init", 0)), inputs.device());
    let buffers = net.buffers(&net.init_buffers(), inputs.device());
    let features = features(At::evaluation(net, &theta, &buffers), rows, inputs);
    let tiles = (ipc * method.decoding.images_per_stored()).min(rows.len());
    let clusters = features.k_means(tiles, (seed, class as u64));
    clustered(rows, &clusters, tiles).into_iter().map(|chosen| chosen.row).collect()
}

/// One image of each cluster; where images are so alike that there are fewer than `ipc` clusters, other images of the class.
fn clustered(rows: &[usize], clusters: &[Cluster], ipc: usize) -> Vec<Chosen> {
    let of_cluster = |cluster: &Cluster| Chosen {
        row: rows[cluster.nearest],
        members: cluster.members.iter().map(|&i| rows[i]).collect(),
    };
    let others = (0..rows.len()).filter(|i| clusters.iter().all(|cluster| cluster.nearest != *i));
    clusters.iter().map(of_cluster).chain(others.map(|i| Chosen::from(rows[i]))).take(ipc).collect()
}

/// The mean image of what each choice stands for.
pub(crate) fn means(train: &Split, chosen: &[Chosen], device: &Device) -> Tensor<4> {
    let mean = |chosen: &Chosen| real::images(train, &chosen.members, device).mean_dim(0);
    Tensor::cat(chosen.iter().map(mean).collect(), 0)
}
