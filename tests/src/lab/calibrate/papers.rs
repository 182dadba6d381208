use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;

use super::{Calibration, Check};
use crate::lab::paper::{Score, Topology};

/// The shares of spies that were tried.
const SPIES: [f64; 5] = [0.05, 0.1, 0.2, 0.3, 0.5];
/// First-spy precision by the simulator of the papers' authors, with 1,000 nodes and q = 0.
const PRECISION: [(Topology, &str, [f64; 5]); 5] = [
    (Topology::Line, "line", [0.008, 0.025, 0.079, 0.148, 0.343]),
    (Topology::FourRegular, "4-regular one-to-one", [0.012, 0.036, 0.103, 0.181, 0.380]),
    (
        Topology::FourRegularPerTransaction,
        "4-regular per transaction",
        [0.006, 0.023, 0.084, 0.164, 0.361],
    ),
    (Topology::FourRegularAllToOne, "4-regular all-to-one", [0.022, 0.048, 0.108, 0.184, 0.368]),
    (Topology::Diffusion, "diffusion over 8 outbound", [0.077, 0.155, 0.289, 0.409, 0.598]),
];
/// Where their 0.380 seems to be by chance: the closed form is within 0.002 of their other figures of
/// this topology, and gives 0.3695 at p = 0.5: a transaction is handed to a spy by its origin (p), and
/// the others that this node hands to spies are those of the inbound edge that shares its outbound
/// edge and, if the other outbound edge leads to a spy as well (p), those of the other inbound edge.
/// On an edge there are k of them with probability (1-r)r^k, where 1-r = 2p / (1+p).
const ARGUED: (Topology, f64, f64) = (Topology::FourRegular, 0.5, 0.3695);
/// Of diffusion with a fifth of spies. On a stem it is the share of spies, whatever the routes.
const DIFFUSION_RECALL: (f64, f64) = (0.2, 0.398);
const NODES: usize = 1_000;

/// Plays `networks` networks of each kind. Diffusion differs less from one to the next and takes
/// longer: it gets a fifth of them.
pub(super) fn first_spy(networks: u64, mut progress: impl FnMut(f64)) -> Calibration {
    let mut checks = Vec::new();
    for (row, (topology, name, precisions)) in (1u32..).zip(PRECISION) {
        for (spies, precision) in SPIES.into_iter().zip(precisions) {
            let diffusion = topology == Topology::Diffusion;
            let runs = if diffusion { networks.div_ceil(5) } else { networks };
            let mean = mean(topology, spies, runs);
            checks.push(Check {
                name: format!("precision: {name}: p = {spies}"),
                expected: precision,
                argued: Some(ARGUED.2).filter(|_| (topology, spies) == (ARGUED.0, ARGUED.1)),
                tolerance: 0.01,
                found: mean.precision,
            });
            let recall = match DIFFUSION_RECALL {
                _ if !diffusion => spies,
                (known, recall) if spies == known => recall,
                _ => continue,
            };
            checks.push(Check {
                name: format!("recall: {name}: p = {spies}"),
                expected: recall,
                argued: None,
                tolerance: 0.02,
                found: mean.recall,
            });
        }
        progress(f64::from(row) / PRECISION.len() as f64);
    }
    Calibration {
        title: "First spy",
        source: "Simulator of the authors of Fanti et al. 2018: 1,000 nodes, one transaction of each \
                 honest one, which stays on the stem until it meets a spy. Precision within 0.01, \
                 recall within 0.02. For one-to-one at p = 0.5 a closed form gives 0.3695, not 0.380.",
        checks,
    }
}

fn mean(topology: Topology, spies: f64, runs: u64) -> Score {
    let mut mean = Score::default();
    for seed in 0..runs {
        let score = topology.first_spy(NODES, spies, &mut ChaCha12Rng::seed_from_u64(seed));
        mean.precision += score.precision / runs as f64;
        mean.recall += score.recall / runs as f64;
    }
    mean
}
