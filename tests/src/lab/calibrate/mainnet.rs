use std::ops::Range;

use scape_p2p::dandelion::Preset;

use super::{Calibration, Check};
use crate::lab::report::figures::total;
use crate::lab::setup::SetupError;
use crate::lab::{Results, Seeds, Setup, Traffic};

/// Plays so many days with these seeds.
pub(super) fn may_2019(
    days: Range<u64>,
    threads: usize,
    mut progress: impl FnMut(f64),
) -> Result<Calibration, SetupError> {
    let mut setup = Setup { seeds: Seeds(days), traffic: Traffic::mainnet(), ..Setup::default() };
    setup.dandelion.preset = Preset::Grin5;
    let results = Results::play(&setup, threads, |now| progress(now.share))?;
    let total = total(&results);
    let share = |part: u64| part as f64 / total.payments as f64;
    let check = |name: &str, expected, found| Check {
        name: name.to_owned(),
        expected,
        argued: None,
        tolerance: 0.015,
        found,
    };
    Ok(Calibration {
        title: "Grin's mainnet in May 2019",
        source: "Published logs of three listening nodes with 200 peers each: 8,905 kernels in 4.02 \
                 days. Here 3,000 nodes with the parameters of Grin 5. How unequal senders are was \
                 not measured: Zipf's exponent of 1.1 is the one value fitted, to the share that was \
                 ever merged (equal senders give half of it). What is checked is that then the \
                 other share fits, too. Within 1.5 points.",
        checks: vec![
            check("seen alone", 0.956, share(total.listener.alone)),
            check("ever merged", 0.046, share(total.merged)),
            check("traced by subtraction", 0.955, share(total.listener.linked)),
        ],
    })
}
