use std::fmt;
use std::time::Duration;

use scape_pool::{EmbargoDelay, PatienceMode, Rendezvous};
use thiserror::Error;

use super::{Params, RendezvousParams};
use crate::noise::NoiseConfig;

/// What parameters imply, by formulas for an ideal stem of equal hops.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Implied {
    /// The expected number of hops of a stem: 1 / (1 - stem probability).
    pub stem_hops: f64,
    /// The expected time of one hop: half a patience interval where every hop waits, and
    /// 0.175 s, and until there is a frame where there is white noise.
    pub hop_time: Duration,
    /// The expected time until a transaction is fluffed: hops times hop time.
    pub stem_time: Duration,
    /// The probability that on a stem of expected length, along which nobody misbehaves, an
    /// embargo ends before the stem does.
    pub early_embargo: f64,
    /// The probability that the origin's embargo is the first to end, if the fifth holder of a
    /// transaction swallows it. At best it is a fifth.
    pub origin_first: f64,
    /// Where transactions meet at sinks: how long the first to come waits there on average, and the
    /// probability that nobody else comes, if as many are on their way as a sink should have.
    pub at_sinks: Option<(Duration, f64)>,
}

/// Parameters that work against each other.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Warning {
    /// Embargoes often end before the stem does.
    EarlyEmbargo {
        /// The probability.
        probability: f64,
    },
    /// Embargoes often end before a sink fluffs.
    EarlyEmbargoAtSink {
        /// The probability.
        probability: f64,
    },
    /// Where a relay swallows transactions, the embargo names the origin.
    OriginFirst {
        /// The probability.
        probability: f64,
    },
}

/// Parameters that cannot be.
#[derive(Clone, Copy, PartialEq, Debug, Error)]
pub enum ParamsError {
    /// A probability outside 0..=1.
    #[error("stem_probability {0} is not between 0 and 1")]
    Probability(f64),
    /// Nobody to relay to.
    #[error("relays must be at least 1")]
    NoRelays,
    /// An epoch that ends before patience does: routes would change before they are used.
    #[error("an epoch of {epoch:?} is shorter than a patience of {patience:?}")]
    EpochTooShort {
        /// The epoch.
        epoch: Duration,
        /// The patience.
        patience: Duration,
    },
    /// An embargo that ends when it begins.
    #[error("the embargo must be longer than zero")]
    NoEmbargo,
    /// A sweep of zero would look for expired embargoes without end.
    #[error("embargo_sweep must be longer than zero")]
    NoSweep,
    /// Nobody is told of a fluffed transaction at once.
    #[error("fluff_fanout must be at least 1")]
    NoFanout,
    /// A sealed transaction would never be delivered, or the probability is none.
    #[error("forward {0} is not at least 0 and less than 1")]
    Forward(f64),
    /// A number of sinks that has no bound, or is none.
    #[error("company {0} is not more than 0")]
    Company(f64),
}

/// Network latency of a hop, beside patience: that of the Dandelion++ paper.
const LATENCY: Duration = Duration::from_millis(175);
/// The time to a sink, and that of the flood back.
const CARRIAGE: Duration = Duration::from_secs(20);
/// How many nodes hold a transaction when a black hole swallows it.
const HOLDERS: u32 = 5;
/// Above this an early embargo is worth a warning: the error that the Dandelion++ paper allows.
const EARLY_EMBARGO: f64 = 0.1;
/// Above this the origin fires first too often: twice its fair share.
const ORIGIN_FIRST: f64 = 2.0 / HOLDERS as f64;

impl Params {
    /// Refuses what is impossible, and says what the rest implies.
    ///
    /// # Errors
    /// The first parameter that cannot be.
    pub fn check(&self) -> Result<(Implied, Vec<Warning>), ParamsError> {
        self.refuse_impossible()?;
        Ok(self.judge(Duration::ZERO, Duration::ZERO))
    }

    /// The same where there is white noise: each hop waits for frames, and embargoes are longer
    /// ([`Params::embargo_with`]).
    ///
    /// # Errors
    /// As [`Params::check`].
    pub fn check_with(&self, noise: &NoiseConfig) -> Result<(Implied, Vec<Warning>), ParamsError> {
        self.refuse_impossible()?;
        let params = Self { embargo: self.embargo_with(noise), ..*self };
        Ok(params.judge(noise.wait(), self.carriage(noise)))
    }

    /// What is implied where each hop waits so long, and the way to a sink is so much longer.
    fn judge(&self, wait: Duration, carriage: Duration) -> (Implied, Vec<Warning>) {
        let implied = self.implied(wait);
        let mut warnings = Vec::new();
        if implied.early_embargo > EARLY_EMBARGO {
            warnings.push(Warning::EarlyEmbargo { probability: implied.early_embargo });
        }
        let early = self.early_at_sink(carriage).filter(|early| *early > EARLY_EMBARGO);
        warnings.extend(early.map(|probability| Warning::EarlyEmbargoAtSink { probability }));
        if implied.origin_first > ORIGIN_FIRST {
            warnings.push(Warning::OriginFirst { probability: implied.origin_first });
        }
        (implied, warnings)
    }

    fn refuse_impossible(&self) -> Result<(), ParamsError> {
        let no_embargo = match self.embargo.delay {
            EmbargoDelay::Uniform { base, spread } => base + spread == Duration::ZERO,
            EmbargoDelay::Exponential { mean } => mean.is_zero(),
        };
        let (epoch, patience) = (self.epoch, self.patience.interval);
        if !(0.0..=1.0).contains(&self.stem_probability) {
            return Err(ParamsError::Probability(self.stem_probability));
        }
        if self.relays == 0 {
            return Err(ParamsError::NoRelays);
        }
        if epoch < patience || epoch.is_zero() {
            return Err(ParamsError::EpochTooShort { epoch, patience });
        }
        if no_embargo {
            return Err(ParamsError::NoEmbargo);
        }
        if self.embargo.sweep.is_zero() {
            return Err(ParamsError::NoSweep);
        }
        if self.fluff_fanout == 0 {
            return Err(ParamsError::NoFanout);
        }
        let Some(RendezvousParams { forward, company, .. }) = self.rendezvous else {
            return Ok(());
        };
        if !(0.0..1.0).contains(&forward) {
            return Err(ParamsError::Forward(forward));
        }
        // Not a number is refused as well.
        if company > 0.0 { Ok(()) } else { Err(ParamsError::Company(company)) }
    }

    /// The probability that the embargo of an origin ends before a sink fluffs that has waited as
    /// long as it may.
    fn early_at_sink(&self, carriage: Duration) -> Option<f64> {
        let Rendezvous { window, spread, .. } = self.rendezvous?.pool;
        let time = window + spread + CARRIAGE + carriage;
        Some(1.0 - survival(&self.embargo.delay, time.as_secs_f64()))
    }

    fn implied(&self, wait: Duration) -> Implied {
        let waits = match self.patience.mode {
            PatienceMode::EveryHop => self.patience.interval / 2,
            PatienceMode::FluffOnly => Duration::ZERO,
        };
        let hop_time = LATENCY + waits + wait;
        // A stem of 1,000 hops stands for one that never ends.
        let stem_hops = (1.0 / (1.0 - self.stem_probability)).min(1_000.0);
        let delay = &self.embargo.delay;
        Implied {
            stem_hops,
            hop_time,
            stem_time: hop_time.mul_f64(stem_hops),
            early_embargo: early_embargo(delay, stem_hops.round(), hop_time.as_secs_f64()),
            origin_first: origin_first(delay, HOLDERS, hop_time.as_secs_f64()),
            at_sinks: self.rendezvous.map(|RendezvousParams { pool, company, .. }| {
                // See `rendezvous`, "Why it helps".
                (pool.window + pool.spread / 2, (-company).exp() / (1.0 + company))
            }),
        }
    }
}

/// One of `hops` holders, the i-th of whom has `(hops - i) * hop` left to wait, gives up early. For
/// exponential embargoes of mean T it is 1 - exp(-k (k - 1) d / 2T), from which Fanti et al. 2018 get
/// T.
fn early_embargo(delay: &EmbargoDelay, hops: f64, hop: f64) -> f64 {
    let mut nobody = 1.0;
    let mut left = hops - 1.0;
    while left >= 1.0 {
        nobody *= survival(delay, left * hop);
        left -= 1.0;
    }
    1.0 - nobody
}

/// The origin's embargo ends before those of the later holders: the mean over its distribution of
/// the probability that all others are still waiting then.
fn origin_first(delay: &EmbargoDelay, holders: u32, hop: f64) -> f64 {
    const STEPS: u32 = 2_000;
    let mean = |sum: f64| sum / f64::from(STEPS);
    mean(
        (0..STEPS)
            .map(|step| {
                let end = quantile(delay, (f64::from(step) + 0.5) / f64::from(STEPS));
                (1..holders).map(|i| survival(delay, end - f64::from(i) * hop)).product::<f64>()
            })
            .sum(),
    )
}

/// The probability that an embargo is longer than `time` seconds.
fn survival(delay: &EmbargoDelay, time: f64) -> f64 {
    match *delay {
        _ if time <= 0.0 => 1.0,
        EmbargoDelay::Exponential { mean } => (-time / mean.as_secs_f64()).exp(),
        EmbargoDelay::Uniform { base, spread } if spread.is_zero() => {
            f64::from(u8::from(time < base.as_secs_f64()))
        }
        EmbargoDelay::Uniform { base, spread } => {
            let used = (time - base.as_secs_f64()) / spread.as_secs_f64();
            1.0 - used.clamp(0.0, 1.0)
        }
    }
}

/// The length in seconds that a share of embargoes stays under.
fn quantile(delay: &EmbargoDelay, share: f64) -> f64 {
    match *delay {
        EmbargoDelay::Exponential { mean } => -mean.as_secs_f64() * (1.0 - share).ln(),
        EmbargoDelay::Uniform { base, spread } => base.as_secs_f64() + spread.as_secs_f64() * share,
    }
}

impl fmt::Display for Implied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "stem of {:.0} hops and {:.0} s expected; an embargo ends early on {:.0}% of stems; \
             behind a black hole the origin fires first with probability {:.2}",
            self.stem_hops,
            self.stem_time.as_secs_f64(),
            100.0 * self.early_embargo,
            self.origin_first,
        )?;
        let Some((wait, alone)) = self.at_sinks else { return Ok(()) };
        write!(
            f,
            "; where there are sinks the first to come waits {:.0} s there, and {:.1}% stay alone if \
             there is company enough",
            wait.as_secs_f64(),
            100.0 * alone,
        )
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EarlyEmbargo { probability } => write!(
                f,
                "on {:.0}% of stems an embargo ends before the stem does: the transaction is \
                 fluffed early and alone; use a longer embargo, less patience or shorter stems",
                100.0 * probability
            ),
            Self::EarlyEmbargoAtSink { probability } => write!(
                f,
                "{:.0}% of embargoes end before a sink has waited for company as long as it may: \
                 what they hold is sealed to another sink in vain; use a longer embargo, or a \
                 shorter window",
                100.0 * probability
            ),
            Self::OriginFirst { probability } => write!(
                f,
                "where a relay swallows transactions the origin is the first to fluff with \
                 probability {probability:.2} (fair would be {:.2}); use an exponential embargo \
                 with a longer mean, or less patience",
                1.0 / f64::from(HOLDERS)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use scape_pool::Embargo;

    use super::*;
    use crate::dandelion::Preset;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn the_formula_of_the_origin_gives_the_measured_figures() {
        let near_constant = EmbargoDelay::Uniform { base: secs(180), spread: secs(30) };
        let memoryless = EmbargoDelay::Exponential { mean: secs(190) };
        assert!((origin_first(&near_constant, 5, 15.0) - 0.88).abs() < 0.02);
        assert!((origin_first(&memoryless, 5, 15.0) - 0.33).abs() < 0.02);
        assert!((origin_first(&near_constant, 5, 0.3) - 0.2).abs() < 0.05);
        assert!((origin_first(&memoryless, 5, 0.3) - 0.2).abs() < 0.02);
    }

    #[test]
    fn the_mean_of_the_paper_keeps_its_promise() {
        let with = |mean| {
            let delay = EmbargoDelay::Exponential { mean: secs(mean) };
            let params = Preset::DandelionPlusPlus.params();
            let embargo = Embargo { delay, ..params.embargo };
            Params { embargo, ..params }.check().expect("possible")
        };
        let (implied, warnings) = with(75);
        // 10 * 9 / 2 hops of 0.175 s.
        let of_the_paper = 1.0 - (-45.0 * 0.175 / 75.0_f64).exp();
        assert!((implied.early_embargo - of_the_paper).abs() < 1e-9, "{implied:?}");
        assert_eq!(warnings, []);
        let (_, warnings) = with(74);
        assert!(matches!(warnings[..], [Warning::EarlyEmbargo { .. }]), "{warnings:?}");
    }

    #[test]
    fn every_preset_is_possible_and_the_document_of_grin_warns() {
        for preset in Preset::ALL {
            preset.params().check().unwrap_or_else(|error| panic!("{preset}: {error}"));
        }
        let (_, warnings) = Preset::GrinDoc.params().check().expect("possible");
        assert!(warnings.iter().any(|w| matches!(w, Warning::EarlyEmbargo { .. })));
    }

    #[test]
    fn what_is_impossible_is_refused() {
        let params = Preset::GrinDoc.params();
        let refused = |params: Params| params.check().expect_err("impossible");
        assert!(matches!(
            refused(Params { stem_probability: 1.5, ..params }),
            ParamsError::Probability(_)
        ));
        assert!(matches!(
            refused(Params { stem_probability: f64::NAN, ..params }),
            ParamsError::Probability(_)
        ));
        assert!(matches!(
            refused(Params { epoch: secs(5), ..params }),
            ParamsError::EpochTooShort { .. }
        ));
        assert_eq!(refused(Params { relays: 0, ..params }), ParamsError::NoRelays);
        assert_eq!(refused(Params { fluff_fanout: 0, ..params }), ParamsError::NoFanout);
        let sweep = Embargo { sweep: Duration::ZERO, ..params.embargo };
        assert_eq!(refused(Params { embargo: sweep, ..params }), ParamsError::NoSweep);
        for delay in [
            EmbargoDelay::Uniform { base: Duration::ZERO, spread: Duration::ZERO },
            EmbargoDelay::Exponential { mean: Duration::ZERO },
        ] {
            let embargo = Embargo { delay, ..params.embargo };
            assert_eq!(refused(Params { embargo, ..params }), ParamsError::NoEmbargo);
        }
    }

    #[test]
    fn a_rendezvous_must_lead_somewhere_and_end_before_the_embargo() {
        let params = Preset::Scape.params();
        let rendezvous = params.rendezvous.expect("it has one");
        let with = |rendezvous| Params { rendezvous: Some(rendezvous), ..params };
        let (implied, warnings) = params.check().expect("possible");
        assert_eq!(warnings, []);
        let text = implied.to_string();
        let ends =
            "the first to come waits 135 s there, and 0.0% stay alone if there is company enough";
        assert!(text.ends_with(ends), "{text}");
        let endless = RendezvousParams { forward: 1.0, ..rendezvous };
        assert_eq!(with(endless).check(), Err(ParamsError::Forward(1.0)));
        for company in [0.0, -1.0, f64::NAN] {
            let alone = RendezvousParams { company, ..rendezvous };
            assert!(matches!(with(alone).check(), Err(ParamsError::Company(_))));
        }
        let pool = Rendezvous { window: secs(170), ..rendezvous.pool };
        let (_, warnings) =
            with(RendezvousParams { pool, ..rendezvous }).check().expect("possible");
        let [warning @ Warning::EarlyEmbargoAtSink { probability }] = &warnings[..] else {
            panic!("{warnings:?}");
        };
        // 180 s + U(0, 30) s end before 170 s + 30 s + 20 s.
        assert_eq!(*probability, 1.0);
        assert!(warning.to_string().contains("use a longer embargo"));
    }

    #[test]
    fn noise_makes_embargoes_of_what_is_sealed_longer_by_what_it_takes() {
        let (noise, params) = (NoiseConfig::DEFAULT, Preset::Scape.params());
        // Two links of 8.3 s on average, and a hold of up to 30 s: 47 s.
        let longer = EmbargoDelay::Uniform { base: secs(180) + secs(30), spread: secs(30) };
        let longer = longer.longer(2 * noise.wait());
        assert_eq!(params.embargo_with(&noise), Embargo { delay: longer, ..params.embargo });
        let at_sink = |params: Params, noise: &NoiseConfig| {
            let (_, warnings) = params.check_with(noise).expect("possible");
            warnings.into_iter().find(|w| matches!(w, Warning::EarlyEmbargoAtSink { .. }))
        };
        assert_eq!(at_sink(params, &noise), None);
        let rendezvous = params.rendezvous.expect("it has one");
        let pool = Rendezvous { window: secs(170), ..rendezvous.pool };
        let late = Params { rendezvous: Some(RendezvousParams { pool, ..rendezvous }), ..params };
        assert!(at_sink(late, &noise).is_some(), "noise is no excuse");
        let unsealed = Params { rendezvous: None, ..params };
        assert_eq!(unsealed.embargo_with(&noise), params.embargo);
    }

    #[test]
    fn an_embargo_without_spread_ends_early_for_all_or_for_none() {
        let exact = EmbargoDelay::Uniform { base: secs(30), spread: Duration::ZERO };
        assert_eq!(early_embargo(&exact, 4.0, 9.9), 0.0);
        assert_eq!(early_embargo(&exact, 4.0, 10.1), 1.0);
    }

    #[test]
    fn the_owner_reads_figures_and_what_to_do_about_them() {
        let (implied, warnings) = Preset::GrinDoc.params().check().expect("possible");
        let text = implied.to_string();
        assert!(text.starts_with("stem of 10 hops and 52 s expected"), "{text}");
        let advice: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert!(advice[0].contains("use a longer embargo"), "{advice:?}");
        let (_, warnings) = Params {
            embargo: Embargo {
                delay: EmbargoDelay::Uniform { base: secs(180), spread: secs(30) },
                sweep: secs(10),
            },
            ..Preset::GrinDoc.params()
        }
        .check()
        .expect("possible");
        let advice = warnings.iter().map(ToString::to_string).find(|w| w.contains("swallows"));
        assert!(advice.is_some_and(|advice| advice.contains("use an exponential embargo")));
    }

    #[test]
    fn demonstrations_run_faster_and_mean_the_same() {
        for preset in Preset::ALL {
            let (slow, fast) = (preset.params(), preset.params().faster(10));
            assert_eq!(fast.epoch, slow.epoch / 10, "{preset}");
            assert_eq!(fast.patience.interval, slow.patience.interval / 10, "{preset}");
            assert_eq!(fast.embargo.sweep, slow.embargo.sweep / 10, "{preset}");
            assert_eq!(fast.fluff_delay, slow.fluff_delay / 10, "{preset}");
            let share = |params: &Params| quantile(&params.embargo.delay, 0.5);
            assert!((share(&fast) * 10.0 - share(&slow)).abs() < 0.001, "{preset}");
            assert_eq!(slow.faster(0), slow, "{preset}");
        }
    }
}
