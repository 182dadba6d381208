//! What the owner asks of a running node, beside pushing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use scape_aggregate::{Commitment, Hash, ValidTx};
use scape_p2p::addr::{Host, PeerAddr};
use scape_p2p::book::{Entry, State, UnixTime};
use scape_p2p::dandelion::Params;
use scape_p2p::zone::PeersConfig;
use scape_pool::Instant;
use thiserror::Error;

use super::core::{Command, Core};
use super::{NodeHandle, OwnTransaction, Stopped};

/// Something to do with the node, between what it does otherwise.
pub(super) struct Call(Box<dyn FnOnce(&mut Core) + Send>);

impl Call {
    pub(super) fn make(self, core: &mut Core) {
        (self.0)(core);
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}

/// An address that the node knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownAddress {
    /// The host.
    pub host: Host,
    /// The address; none if only its host is known, since that is banned.
    pub addr: Option<PeerAddr>,
    /// What trying has shown.
    pub state: State,
    /// Until its ban ends, if it is banned.
    pub ban_left: Option<Duration>,
}

/// Why a transaction cannot be fluffed now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FluffError {
    /// The owner has no such transaction, or it was finished long ago.
    #[error("no such transaction of the owner")]
    Unknown,
    /// It waits for its parent or for a height, or cannot be mined any more, or is public already.
    #[error("it is not in the stempool")]
    NotInStem,
}

impl NodeHandle {
    /// The owner's transactions, the latest first.
    ///
    /// # Errors
    /// If the node has stopped; so all below.
    pub async fn transactions(&self) -> Result<Vec<OwnTransaction>, Stopped> {
        self.call(|core| core.own.all(core.clock.now(), |kernel| core.embargo_of(kernel))).await
    }

    /// The owner's transaction with a kernel of this excess.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn transaction(&self, excess: Commitment) -> Result<Option<OwnTransaction>, Stopped> {
        let get = move |core: &mut Core| {
            core.own.get(&excess, core.clock.now(), |kernel| core.embargo_of(kernel))
        };
        self.call(get).await
    }

    /// Fluffs the owner's transaction with a kernel of this excess, and what has to go with it.
    ///
    /// # Errors
    /// If the node has stopped. The inner error says why there is nothing to fluff.
    pub async fn fluff(&self, excess: Commitment) -> Result<Result<(), FluffError>, Stopped> {
        self.call(move |core| core.fluff(&excess)).await
    }

    /// Public transactions, the latest first, and when each came.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn public(&self) -> Result<Vec<(ValidTx, UnixTime)>, Stopped> {
        let public = |core: &mut Core| {
            let (now, unix) = (core.clock.now(), core.clock.unix());
            let came =
                |since| UnixTime(unix.0.saturating_sub(now.saturating_since(since).as_secs()));
            let public = core.zone.pool().latest_public_since();
            public.map(|(tx, since)| (tx.clone(), came(since))).collect()
        };
        self.call(public).await
    }

    /// All addresses that the node knows, and all hosts that it has banned.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn addresses(&self) -> Result<Vec<KnownAddress>, Stopped> {
        self.call(|core| core.addresses()).await
    }

    /// Bans a host, whoever it is, and ends its connections.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn ban(&self, host: Host) -> Result<(), Stopped> {
        self.call(move |core| core.with_zone(|zone, ctx| zone.ban(host, ctx))).await
    }

    /// Lifts the ban of a host. Returns whether there was one.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn unban(&self, host: Host) -> Result<bool, Stopped> {
        self.call(move |core| core.with_zone(|zone, ctx| zone.unban(host, ctx))).await
    }

    /// Goes on with other parameters, which have passed [`Params::check`], and other addresses to
    /// stay connected to, see [`Zone::set_params`](scape_p2p::zone::Zone::set_params).
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn configure(&self, params: Params, peers: PeersConfig) -> Result<(), Stopped> {
        let configure = move |core: &mut Core| {
            core.with_zone(|zone, ctx| {
                zone.set_params(params, ctx);
                zone.set_peers(peers, ctx);
            });
        };
        self.call(configure).await
    }

    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut Core) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        self.ask(|reply| {
            // Whoever asked may have gone meanwhile.
            Command::Call(Call(Box::new(|core| drop(reply.send(call(core))))))
        })
        .await
    }
}

impl Core {
    fn embargo_of(&self, kernel: &Hash) -> Option<Instant> {
        self.zone.pool().embargo_of(kernel)
    }

    fn fluff(&mut self, excess: &Commitment) -> Result<(), FluffError> {
        let kernels = self.own.hashes(excess).ok_or(FluffError::Unknown)?;
        let fluffed = self.with_zone(|zone, ctx| {
            kernels.iter().fold(false, |any, kernel| zone.fluff(kernel, ctx) | any)
        });
        if fluffed { Ok(()) } else { Err(FluffError::NotInStem) }
    }

    fn addresses(&self) -> Vec<KnownAddress> {
        let (book, now) = (self.zone.book(), self.clock.unix());
        let left = |until: UnixTime| Duration::from_secs(until.0.saturating_sub(now.0));
        let bans = book.bans().filter(|(_, until)| *until > now);
        let mut bans: BTreeMap<_, _> =
            bans.map(|(host, until)| (host, (left(until), false))).collect();
        let mut known: Vec<_> = Vec::with_capacity(book.len() + bans.len());
        for Entry { addr, state, .. } in book.iter() {
            let ban = bans.get_mut(&addr.host().whole());
            let ban_left = ban.map(|(left, is_listed)| {
                *is_listed = true;
                *left
            });
            let (host, addr) = (addr.host(), Some(*addr));
            known.push(KnownAddress { host, addr, state: *state, ban_left });
        }
        let unlisted = bans.into_iter().filter(|(_, (_, is_listed))| !is_listed);
        known.extend(unlisted.map(|(host, (left, _))| KnownAddress {
            host,
            addr: None,
            state: State::Unknown,
            ban_left: Some(left),
        }));
        known
    }
}
