//! The methods: one file each, with its row and its published settings. What they compute is in the files of their
//! families (`trajectory`, `unrolled`, `effect`, `gradient`, `distribution`, `selection`), or here where a method has no
//! family.

mod datm;
mod dc;
mod dd;
mod dm;
mod dream;
mod dsa;
mod ead;
mod edf;
mod forgetting;
mod ftd;
mod herding;
mod idc;
mod k_center;
mod k_means;
mod ld;
mod m_datm;
mod mtt;
mod random;
mod tesla;

pub(crate) use forgetting::{EXPERTS as FORGETTING_EXPERTS, Forgetting};
pub(crate) use k_means::Cluster;

use crate::MethodRow;

/// Experts trained by GSAM instead of SGD, as FTD and its successors have them.
const FLAT_EXPERTS: &str = r"
[expert.gsam]
rho = 0.01
alpha = 0.3
";
/// Experts of twice as many epochs as MTT's, as DATM and its successors have them.
const LONG_EXPERTS: &str = "[expert]\nepochs = 100\n";
/// One trained network, which gives the features that a selection is made on.
const ONE_EXPERT: &str = "[expert]\nexperts = 1\n";

/// The methods of this crate, in the order in which tables list them.
pub(crate) static BUILT_IN: &[&MethodRow] = &[
    &mtt::ROW,
    &ftd::ROW,
    &tesla::ROW,
    &datm::ROW,
    &m_datm::ROW,
    &edf::ROW,
    &dd::ROW,
    &ld::ROW,
    &ead::ROW,
    &dc::ROW,
    &dsa::ROW,
    &idc::ROW,
    &dream::ROW,
    &dm::ROW,
    &random::ROW,
    &herding::ROW,
    &k_center::ROW,
    &k_means::ROW,
    &forgetting::ROW,
];
