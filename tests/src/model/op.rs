//! What can happen, and the transactions that it happens to.

use rand_chacha::ChaCha12Rng;
use scape_aggregate::builder::{AssumedTx, seeded};
use scape_aggregate::{
    Commitment, Inputs, NrdRelativeHeight, OutputFeatures, Transaction, ValidTx, aggregate,
};
use scape_pool::ChainView;

use super::Ledger;
use super::entries::{creates, kernels, spends};
use super::setup::CONSENSUS;

/// Something that happens. The first byte chooses what, the others which and how.
///
/// Any four bytes are an operation, so that a fuzzer can write a story; zeros are the simplest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// A new transaction comes.
    New {
        /// On the stem, sealed or in public, or not at all for now.
        way: Way,
        /// 0: of the owner.
        source: u8,
        /// What kind of transaction.
        recipe: u8,
        /// Which ones it builds on.
        on: u8,
    },
    /// One that was made before comes, maybe again.
    Again {
        /// On the stem, sealed or in public.
        way: Way,
        /// 0: of the owner.
        source: u8,
        /// Which one.
        which: u8,
    },
    /// Several that were made before come merged.
    Merged {
        /// On the stem, sealed or in public.
        way: Way,
        /// 0: of the owner.
        source: u8,
        /// Which ones: bits.
        which: u8,
        /// Counted from here.
        from: u8,
    },
    /// Time passes, and all timeouts are handed in at their time.
    Pass {
        /// How long, in seconds.
        secs: u8,
    },
    /// Time passes, and the host is late.
    Late {
        /// How long, in seconds.
        secs: u8,
    },
    /// A block is mined.
    Mine {
        /// Whether of what is public, or of anything that was made.
        anything: bool,
        /// Which ones: bits.
        which: u8,
    },
    /// Blocks are undone and others come.
    Reorg {
        /// How many are undone.
        undone: u8,
        /// How many come.
        mined: u8,
        /// Of what.
        which: u8,
    },
    /// Coins and relays change.
    Route {
        /// Coins: bits.
        fluff: u8,
        /// Which relays.
        relays: u8,
        /// Which sinks, and whether the owner's find a way out.
        sinks: u8,
    },
    /// Something sent did not arrive.
    Undelivered {
        /// Which one.
        which: u8,
    },
}

/// How a transaction comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// As a stem transaction.
    Stem,
    /// Sealed to this node. The owner does not do that: his come as stem transactions.
    Sealed,
    /// As a fluffed one.
    Public,
    /// Not yet.
    Nowhere,
}

impl Op {
    /// The operation that four bytes say.
    pub fn from_bytes([kind, a, b, c]: [u8; 4]) -> Self {
        let source = a % 4;
        let way = |bits: u8| match bits % 4 {
            0 => Way::Stem,
            2 => Way::Sealed,
            _ => Way::Public,
        };
        match kind % 20 {
            0..=6 => {
                let way = match a / 4 % 8 {
                    0..=2 => Way::Stem,
                    3..=4 => Way::Sealed,
                    5..=6 => Way::Public,
                    _ => Way::Nowhere,
                };
                Self::New { way, source, recipe: b, on: c }
            }
            7..=8 => Self::Again { way: way(a / 4), source, which: b },
            9..=10 => Self::Merged { way: way(a / 4), source, which: b, from: c },
            11..=13 => Self::Pass { secs: a % 32 },
            14 => Self::Late { secs: a % 64 },
            15..=16 => Self::Mine { anything: a % 2 == 1, which: b },
            17 => Self::Reorg { undone: 1 + a % 2, mined: a / 2 % 4, which: b },
            18 => Self::Route { fluff: a, relays: b, sinks: c },
            _ => Self::Undelivered { which: a },
        }
    }
}

/// Everything that was ever made, to build upon and to send again.
pub(super) struct Workshop {
    made: Vec<ValidTx>,
    rng: ChaCha12Rng,
}

impl Workshop {
    pub(super) fn new() -> Self {
        Self { made: Vec::new(), rng: seeded(11, 0) }
    }

    /// Counted from the last one: stories are mostly about what happened lately.
    pub(super) fn pick(&self, which: u8) -> Option<&ValidTx> {
        let index = self.made.len().checked_sub(1 + usize::from(which) % self.made.len().max(1))?;
        self.made.get(index)
    }

    pub(super) fn all(&self) -> &[ValidTx] {
        &self.made
    }

    /// Several, merged, unless they exclude each other.
    pub(super) fn merge(&mut self, which: u8, from: u8) -> Option<ValidTx> {
        let chosen = (0..8).filter(|bit| which >> bit & 1 == 1);
        let mut parts: Vec<ValidTx> = Vec::new();
        for tx in chosen.filter_map(|bit| self.pick((from % 16).wrapping_add(bit))) {
            if !parts.iter().any(|part| excludes(part, tx)) {
                parts.push(tx.clone());
            }
        }
        let merged = aggregate(&parts).ok().filter(|_| parts.len() > 1)?;
        self.made.push(merged.clone());
        Some(merged)
    }

    /// A new one: mostly of a fresh coin or a child, sometimes a rival, or odd.
    pub(super) fn make(&mut self, recipe: u8, on: u8, chain: &mut Ledger) -> Option<ValidTx> {
        let (one, other) = (self.pick(on % 16).cloned(), self.pick(on / 16).cloned());
        let output = |tx: &Option<ValidTx>, index: u8| {
            let outputs = tx.as_ref()?.outputs();
            Some(outputs.get(usize::from(index) % outputs.len().max(1))?.commitment())
        };
        let mut tx = AssumedTx::new();
        let mut spent = vec![];
        match recipe % 8 {
            0..=1 => spent.push(chain.coin(OutputFeatures::Plain)),
            2..=3 => spent.extend(output(&one, recipe / 32)),
            4 => spent.extend([output(&one, recipe / 32), output(&other, 0)].into_iter().flatten()),
            5 => {
                spent.extend(output(&one, 0).into_iter().chain([chain.coin(OutputFeatures::Plain)]))
            }
            6 => spent.extend(one.as_ref().and_then(|one| spends(one).next())),
            _ => match recipe / 8 % 4 {
                0 => {
                    spent.push(chain.coin(OutputFeatures::Plain));
                    tx = output(&one, 0).into_iter().fold(tx, AssumedTx::create);
                }
                1 => spent.push(chain.coin(OutputFeatures::Coinbase)),
                2 => return self.claim(OutputFeatures::Coinbase, recipe, chain),
                _ => return self.claim(OutputFeatures::Plain, recipe, chain),
            },
        }
        if spent.is_empty() {
            spent.push(chain.coin(OutputFeatures::Plain));
        }
        spent.sort_unstable();
        spent.dedup();
        tx = spent.into_iter().fold(tx, AssumedTx::spend).outputs(1 + usize::from(recipe / 64));
        tx = match recipe / 8 % 8 {
            0..=2 => tx,
            3 => tx.fee(60_000_000 + 7_000_000 * u64::from(on % 8)),
            4 => tx.fee(1_000_000 * u64::from(on)),
            5 => tx.height_locked(chain.tip().height + u64::from(on % 4)),
            6 => tx.fee_shift(on % 3),
            _ => {
                let distance = NrdRelativeHeight::new(1 + u64::from(on % 3)).ok()?;
                tx.nrd(distance, Some(Commitment([8 + on / 4 % 2; 33])))
            }
        };
        let tx = tx.build(&mut self.rng, &CONSENSUS).ok()?;
        self.keep(tx)
    }

    /// One whose input says what it spends, truly or not.
    fn claim(
        &mut self,
        features: OutputFeatures,
        recipe: u8,
        chain: &mut Ledger,
    ) -> Option<ValidTx> {
        let claimed = match recipe / 64 % 2 {
            0 => OutputFeatures::Plain,
            _ => OutputFeatures::Coinbase,
        };
        let coin = chain.coin(features);
        let tx = AssumedTx::new().spend(coin).build(&mut self.rng, &CONSENSUS).ok()?;
        let inputs = Inputs::from_outputs([(claimed, coin)]);
        let (outputs, kernels) = (tx.outputs().to_vec(), tx.kernels().to_vec());
        let tx = Transaction::new(*tx.offset(), inputs, outputs, kernels, &CONSENSUS).ok()?;
        self.keep(ValidTx::assumed(tx))
    }

    fn keep(&mut self, tx: ValidTx) -> Option<ValidTx> {
        self.made.push(tx.clone());
        Some(tx)
    }
}

/// Whether two cannot be in one aggregate of the kind that honest nodes make.
fn excludes(one: &ValidTx, other: &ValidTx) -> bool {
    let spent: Vec<_> = spends(one).collect();
    let created: Vec<_> = creates(one).collect();
    let known = kernels(one);
    spends(other).any(|input| spent.contains(&input))
        || creates(other).any(|output| created.contains(&output))
        || kernels(other).iter().any(|kernel| known.contains(kernel))
}
