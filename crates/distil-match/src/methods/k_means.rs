use distil_random::{Stream, stream, unit};

use super::ONE_EXPERT;
use crate::selection::{Features, square_distance};
use crate::{Family, Init, Method, MethodRow, Selection};

/// Rounds of Lloyd's algorithm after which clusters stand as they are; they settle in far fewer.
const ROUNDS: usize = 100;

/// The method's row.
pub(super) const ROW: MethodRow = MethodRow {
    name: "k-means",
    title: "Images nearest to k-means centroids of features",
    published: "Lloyd, IEEE TIT 1982; Arthur & Vassilvitskii, SODA 2007",
    preset: Method::k_means,
    family: Family::of::<Selection>(),
    sections: &[ONE_EXPERT],
    citations: &[include_str!("bibtex/k-means.bib")],
};

impl Method {
    /// k-means on features of a trained network, `ipc` clusters a class: of each cluster the image nearest to its
    /// centroid, or with `init = "k-means-centroids"` the mean of its images.
    pub fn k_means() -> Self {
        Self { init: Init::KMeans, ..Self::random() }
    }
}

/// Images that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cluster {
    /// The member nearest to the centroid.
    pub(crate) nearest: usize,
    /// All members, ascending.
    pub(crate) members: Vec<usize>,
}

impl Features {
    /// `count` clusters by Lloyd's algorithm from k-means++ seeds, in the order of their seeds; each has a member, so
    /// there are at most as many as images.
    pub(crate) fn k_means(&self, count: usize, (seed, class): (u64, u64)) -> Vec<Cluster> {
        let mut centroids = self.seeds(count, &mut stream(seed, "k-means", class));
        let mut assigned = self.assign(&centroids);
        for _ in 0..ROUNDS {
            centroids = self.centroids(&assigned, centroids.len());
            let next = self.assign(&centroids);
            if next == assigned {
                break;
            }
            assigned = next;
        }
        let cluster = |(index, centroid): (usize, &Vec<f64>)| {
            let members: Vec<usize> = (0..assigned.len()).filter(|&i| assigned[i] == index).collect();
            let distance = |&i: &usize| square_distance(self.row(i), centroid);
            let nearest = members.iter().copied().min_by(|a, b| distance(a).total_cmp(&distance(b)));
            Cluster { nearest: nearest.expect("every cluster has a member"), members }
        };
        centroids.iter().enumerate().map(cluster).collect()
    }

    /// k-means++: the first at random, each further one with a probability in proportion to its squared distance from
    /// those that are chosen. Fewer than `count` where the images do not differ.
    fn seeds(&self, count: usize, rng: &mut Stream) -> Vec<Vec<f64>> {
        let mut nearest = vec![f64::INFINITY; self.rows().len()];
        let mut weights = vec![1.0; nearest.len()];
        let mut chosen = Vec::new();
        while chosen.len() < count {
            let Some(next) = drawn(&weights, rng) else { break };
            let centre: Vec<f64> = self.row(next).iter().map(|&value| f64::from(value)).collect();
            for (near, row) in nearest.iter_mut().zip(self.rows()) {
                *near = near.min(square_distance(row, &centre));
            }
            weights.clone_from(&nearest);
            chosen.push(centre);
        }
        chosen
    }

    /// The nearest centroid of each image, the first of equals; a centroid that would be left without an image takes the
    /// one farthest from its own among clusters of several.
    fn assign(&self, centroids: &[Vec<f64>]) -> Vec<usize> {
        let nearest = |row: &[f32]| {
            let distances = centroids.iter().map(|centroid| square_distance(row, centroid));
            let first = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
            first.expect("there is a centroid")
        };
        let (mut assigned, distances): (Vec<usize>, Vec<f64>) = self.rows().map(nearest).unzip();
        let mut sizes = vec![0usize; centroids.len()];
        for &cluster in &assigned {
            sizes[cluster] += 1;
        }
        for empty in 0..sizes.len() {
            if sizes[empty] > 0 {
                continue;
            }
            let spare = (0..assigned.len()).filter(|&i| sizes[assigned[i]] > 1);
            let farthest = spare.rev().max_by(|&a, &b| distances[a].total_cmp(&distances[b]));
            let taken = farthest.expect("there are at least as many images as clusters");
            sizes[assigned[taken]] -= 1;
            (assigned[taken], sizes[empty]) = (empty, 1);
        }
        assigned
    }

    /// Mean features of each cluster.
    fn centroids(&self, assigned: &[usize], count: usize) -> Vec<Vec<f64>> {
        let mut sums = vec![vec![0f64; self.width]; count];
        let mut sizes = vec![0usize; count];
        for (row, &cluster) in self.rows().zip(assigned) {
            sums[cluster].iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value));
            sizes[cluster] += 1;
        }
        for (sum, size) in sums.iter_mut().zip(sizes) {
            for value in sum {
                *value /= size as f64;
            }
        }
        sums
    }
}

/// An index with a probability in proportion to its weight; `None` where all are 0.
fn drawn(weights: &[f64], rng: &mut Stream) -> Option<usize> {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let mut left = total * f64::from(unit(rng));
    let positive = weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
    let mut last = None;
    for (index, weight) in positive {
        last = Some(index);
        if left < *weight {
            break;
        }
        left -= weight;
    }
    last
}

#[cfg(test)]
mod tests {
    use distil_random::{normal, stream};

    use super::{Cluster, Features};

    #[test]
    fn separate_groups_are_found() {
        let features = Features { values: vec![0.0, 10.0, 0.3, 10.5, 0.1, 20.0], width: 1 };
        let mut clusters = features.k_means(3, (1, 0));
        clusters.sort_by_key(|cluster| cluster.members.clone());
        let cluster = |nearest, members: &[usize]| Cluster { nearest, members: members.to_vec() };
        assert_eq!(clusters, [cluster(4, &[0, 2, 4]), cluster(1, &[1, 3]), cluster(5, &[5])]);
    }

    /// At the end no image is nearer to another cluster's mean, and every image is in one cluster.
    #[test]
    fn clusters_are_settled() {
        let mut rng = stream(1, "features", 0);
        let features = Features { values: (0..60 * 3).map(|_| normal(&mut rng)).collect(), width: 3 };
        let clusters = features.k_means(7, (3, 2));
        let mut all: Vec<usize> = clusters.iter().flat_map(|cluster| cluster.members.clone()).collect();
        all.sort_unstable();
        assert_eq!(all, (0..60).collect::<Vec<_>>());
        let mean = |cluster: &Cluster| {
            let of = |d: usize| cluster.members.iter().map(|&i| f64::from(features.row(i)[d])).sum::<f64>();
            (0..3).map(|d| of(d) / cluster.members.len() as f64).collect::<Vec<f64>>()
        };
        let means: Vec<Vec<f64>> = clusters.iter().map(mean).collect();
        let distance = |i: usize, mean: &[f64]| super::square_distance(features.row(i), mean);
        for (cluster, own) in clusters.iter().zip(&means) {
            for &i in &cluster.members {
                assert!(means.iter().all(|other| distance(i, own) <= distance(i, other) + 1e-9));
                assert!(distance(cluster.nearest, own) <= distance(i, own) + 1e-12);
            }
        }
    }

    #[test]
    fn equal_images_make_fewer_clusters() {
        let features = Features { values: vec![2.0; 5], width: 1 };
        let clusters = features.k_means(3, (0, 0));
        assert_eq!((clusters.len(), clusters[0].members.len()), (1, 5));
    }
}
