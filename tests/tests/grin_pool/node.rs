//! Our side: bytes from a peer through decoder and verifier into the pool.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use scape_aggregate::{
    ChainType, Consensus, DecodeError, Hash, ProtocolVersion, Transaction, ValidTx, Verifier,
    VerifyError,
};
use scape_pool::{
    Accepted, Capacity, ChainUpdate, ChainView, Context, Effect, Embargo, EmbargoDelay, Instant,
    Notice, Patience, PatienceMode, PeerId, Pool, PoolConfig, Refusal, Source,
};

use crate::stem::Stem;

/// The peer that sends everything.
pub(crate) const PEER: Source = Source::Peer(PeerId(1));

/// Where a transaction was refused, and why.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum No {
    Decoder(DecodeError),
    Verifier(VerifyError),
    Pool(Refusal),
}

/// Our pool with what stands before it.
pub(crate) struct Node {
    pub(crate) pool: Pool,
    verifier: Verifier,
    consensus: Consensus,
    now: Instant,
}

impl Node {
    /// A node that knows NRD kernels or does not, and in which one peer may fill all.
    pub(crate) fn new(nrd: bool) -> Self {
        let consensus = Consensus::of(ChainType::AutomatedTesting);
        let consensus = if nrd { consensus.with_nrd() } else { consensus };
        let config = PoolConfig {
            consensus,
            patience: Patience {
                interval: Duration::from_secs(10),
                phase: Some(Duration::from_secs(5)),
                mode: PatienceMode::EveryHop,
            },
            embargo: Embargo {
                delay: EmbargoDelay::Uniform {
                    base: Duration::from_secs(30),
                    spread: Duration::from_secs(30),
                },
                sweep: Duration::from_secs(10),
            },
            rendezvous: None,
            capacity: Capacity { shares: 1, ..Capacity::default() },
        };
        let verifier = Verifier::new(NonZeroUsize::new(10_000).unwrap());
        Self { pool: Pool::new(config, [7; 32]), verifier, consensus, now: Instant::ZERO }
    }

    fn with<T>(
        &mut self,
        chain: &dyn ChainView,
        act: impl FnOnce(&mut Pool, &mut Context<'_>) -> T,
    ) -> T {
        act(&mut self.pool, &mut Context { now: self.now, chain, router: &mut Stem })
    }

    /// What decoder and verifier make of bytes.
    pub(crate) fn read(&self, bytes: &[u8], version: u32) -> Result<ValidTx, No> {
        let bytes = Bytes::copy_from_slice(bytes);
        let tx = Transaction::decode(&bytes, ProtocolVersion(version), &self.consensus);
        self.verifier.verify(tx.map_err(No::Decoder)?).map_err(No::Verifier)
    }

    /// Takes a transaction from the peer.
    pub(crate) fn add(
        &mut self,
        tx: ValidTx,
        stem: bool,
        chain: &dyn ChainView,
    ) -> Result<Accepted, No> {
        self.add_from(PEER, tx, stem, chain)
    }

    pub(crate) fn add_from(
        &mut self,
        source: Source,
        tx: ValidTx,
        stem: bool,
        chain: &dyn ChainView,
    ) -> Result<Accepted, No> {
        self.with(chain, |pool, ctx| match stem {
            true => pool.handle_stem(tx, source, ctx),
            false => pool.handle_fluff(tx, source, ctx),
        })
        .map_err(No::Pool)
    }

    /// What can be said before anything is verified.
    pub(crate) fn precheck(&mut self, tx: &ValidTx, chain: &dyn ChainView) -> Result<(), Refusal> {
        self.with(chain, |pool, ctx| pool.precheck(tx, ctx))
    }

    pub(crate) fn follow(&mut self, update: &ChainUpdate, chain: &dyn ChainView) {
        self.with(chain, |pool, ctx| pool.handle_chain(update, ctx));
    }

    /// Lets so much time pass.
    pub(crate) fn wait(&mut self, time: Duration, chain: &dyn ChainView) {
        let end = self.now + time;
        while let Some(at) = self.pool.poll_timeout().filter(|at| *at <= end) {
            self.now = at;
            self.with(chain, |pool, ctx| pool.handle_timeout(ctx));
        }
        self.now = end;
    }

    /// Takes out all effects. Returns the kernels of what has had to wait since the last time.
    pub(crate) fn drain_waiting(&mut self) -> BTreeSet<Hash> {
        let effects = std::iter::from_fn(|| self.pool.poll_effect());
        let waiting = effects.filter_map(|effect| match effect {
            Effect::Notice(Notice::Orphaned { kernels }) => Some(kernels),
            _ => None,
        });
        waiting.flatten().collect()
    }

    /// The txpool, each transaction by its kernels; parents first.
    pub(crate) fn public(&self) -> Vec<BTreeSet<Hash>> {
        self.pool.public().map(kernels).collect()
    }

    /// The stempool, each transaction by its kernels.
    pub(crate) fn stem(&self) -> Vec<BTreeSet<Hash>> {
        self.pool.stem().map(|(tx, ..)| kernels(tx)).collect()
    }
}

/// The hashes of the kernels of a transaction.
pub(crate) fn kernels(tx: &ValidTx) -> BTreeSet<Hash> {
    tx.kernels().iter().map(|kernel| *kernel.hash()).collect()
}
