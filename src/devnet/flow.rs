//! The transactions of a development network: who pays whom.

use scape_aggregate::builder::{BuildError, Coin, Faucet, TxBuilder, seeded};
use scape_aggregate::{Commitment, OutputFeatures, Transaction};
use tokio::sync::mpsc;

use super::CONSENSUS;

/// What every coin of the genesis is worth, in nanogrin.
const VALUE: u64 = 60_000_000_000;
/// By how many blocks a locked payment is locked when it is pushed first.
const LOCK_BLOCKS: u64 = 2;

/// Payments: independent ones, chains of them that spend each other, and locked ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) seed: u64,
    pub(super) count: usize,
}

/// What a payment is besides a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// It spends a coin of the genesis.
    Independent,
    /// It spends the payment before it, and is pushed into the same relay.
    Child,
    /// It spends the payment before it, and is pushed into any relay: most do not know the parent.
    Orphan,
    /// It is not valid before the next but one block.
    Locked,
}

impl Kind {
    /// Of eight payments two are children, one is an orphan and one is locked.
    fn of(index: usize) -> Self {
        match index % 8 {
            2 | 3 => Self::Child,
            6 => Self::Orphan,
            7 => Self::Locked,
            _ => Self::Independent,
        }
    }
}

/// A transaction to push.
#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub(super) kind: Kind,
    pub(super) tx: Transaction,
    coin: Coin,
    index: usize,
}

impl Flow {
    /// What the chain has to begin with: a coin for each payment that has no parent, and more.
    pub(super) fn genesis(self) -> impl Iterator<Item = (Commitment, OutputFeatures)> {
        self.coins().map(|coin| (coin.commitment(), coin.features()))
    }

    /// Makes the payments on a thread, as fast as proving allows; the channel ends with the last.
    pub(super) fn spawn(self) -> mpsc::Receiver<Result<Payment, BuildError>> {
        let (sender, receiver) = mpsc::channel(8);
        std::thread::spawn(move || {
            let (mut coins, mut change) = (self.coins(), None);
            for index in 0..self.count {
                let parent = match Kind::of(index) {
                    Kind::Child | Kind::Orphan => change.take(),
                    Kind::Independent | Kind::Locked => None,
                };
                let Some(coin) = parent.or_else(|| coins.next()) else { return };
                let made = self.make(index, coin, 0);
                change = made.as_ref().ok().map(|(_, change)| *change);
                if sender.blocking_send(made.map(|(payment, _)| payment)).is_err() {
                    return;
                }
            }
        });
        receiver
    }

    /// The same payment, locked until some blocks after `height`.
    pub(super) fn lock(self, payment: &Payment, height: u64) -> Result<Payment, BuildError> {
        Ok(self.make(payment.index, payment.coin, height + LOCK_BLOCKS)?.0)
    }

    fn coins(self) -> impl Iterator<Item = Coin> {
        Faucet::new(self.seed).coins(self.count, VALUE).into_iter()
    }

    /// Spends a coin, and returns the first of the two coins that this creates.
    fn make(
        self,
        index: usize,
        coin: Coin,
        lock_height: u64,
    ) -> Result<(Payment, Coin), BuildError> {
        let builder = TxBuilder::new().input(coin).split(2);
        let builder = match lock_height {
            0 => builder,
            height => builder.height_locked(height),
        };
        let built = builder.build(&mut seeded(self.seed, index as u64), &CONSENSUS)?;
        Ok((Payment { kind: Kind::of(index), tx: built.tx, coin, index }, built.coins[0]))
    }
}
