//! What the owner asks of a running node, beside pushing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use scape_aggregate::{Commitment, Hash, ValidTx};
use scape_p2p::addr::{Host, Network, PeerAddr};
use scape_p2p::book::{Entry, State, UnixTime};
use scape_p2p::dandelion::Params;
use scape_p2p::zone::PeersConfig;
use scape_pool::{Instant, WayOut};
use thiserror::Error;

use super::core::{Command, Core};
use super::site::Site;
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
    /// The zone that it is to leave by has no relay.
    #[error("it waits for its zone, where nobody is there to be told")]
    NobodyThere,
}

impl NodeHandle {
    /// The owner's transactions, the latest first.
    ///
    /// # Errors
    /// If the node has stopped; so all below.
    pub async fn transactions(&self) -> Result<Vec<OwnTransaction>, Stopped> {
        self.call(|core| core.transactions()).await
    }

    /// The owner's transaction with a kernel of this excess.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn transaction(&self, excess: Commitment) -> Result<Option<OwnTransaction>, Stopped> {
        self.call(move |core| core.transaction(&excess)).await
    }

    /// Fluffs the owner's transaction with a kernel of this excess, and what has to go with it.
    ///
    /// # Errors
    /// If the node has stopped. The inner error says why there is nothing to fluff.
    pub async fn fluff(&self, excess: Commitment) -> Result<Result<(), FluffError>, Stopped> {
        self.call(move |core| core.fluff(&excess)).await
    }

    /// Public transactions of the main zone, the latest first, and when each came. Those of other
    /// zones are not told: a wallet may be somebody else's.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn public(&self) -> Result<Vec<(ValidTx, UnixTime)>, Stopped> {
        let public = |core: &mut Core| {
            let (now, unix) = (core.world.clock.now(), core.world.clock.unix());
            let came =
                |since| UnixTime(unix.0.saturating_sub(now.saturating_since(since).as_secs()));
            let public = core.main().zone.pool().latest_public_since();
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
        self.call(move |core| core.ban(host)).await
    }

    /// Lifts the ban of a host. Returns whether there was one.
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn unban(&self, host: Host) -> Result<bool, Stopped> {
        self.call(move |core| core.unban(host)).await
    }

    /// Goes on, in the zones of these networks, with other parameters, which have passed
    /// [`Params::check`], and other addresses to stay connected to, see
    /// [`Zone::set_params`](scape_p2p::zone::Zone::set_params).
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn configure(
        &self,
        zones: Vec<(Network, Params, PeersConfig)>,
    ) -> Result<(), Stopped> {
        self.call(move |core| core.configure(zones)).await
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
    fn transactions(&self) -> Vec<OwnTransaction> {
        let now = self.world.clock.now();
        let of = |site: &Site| site.own.all(now, |kernel| site.embargo_of(kernel));
        let mut all: Vec<_> = self.sites.iter().flat_map(of).collect();
        all.sort_by_key(|own| own.age);
        all
    }

    fn transaction(&self, excess: &Commitment) -> Option<OwnTransaction> {
        let now = self.world.clock.now();
        let of = |site: &Site| site.own.get(excess, now, |kernel| site.embargo_of(kernel));
        self.sites.iter().find_map(of)
    }

    fn fluff(&mut self, excess: &Commitment) -> Result<(), FluffError> {
        let Self { sites, world, .. } = self;
        for site in sites {
            let Some(kernels) = site.own.hashes(excess) else { continue };
            if site.zone.way_out() == WayOut::Shut {
                return Err(FluffError::NobodyThere);
            }
            let fluffed = site.with_zone(world, |zone, ctx| {
                kernels.iter().fold(false, |any, kernel| zone.fluff(kernel, ctx) | any)
            });
            return if fluffed { Ok(()) } else { Err(FluffError::NotInStem) };
        }
        Err(FluffError::Unknown)
    }

    /// Only the zone of the host's own network knows it.
    fn ban(&mut self, host: Host) {
        let Self { sites, world, .. } = self;
        for site in sites.iter_mut().filter(|site| site.network == host.network()) {
            site.with_zone(world, |zone, ctx| zone.ban(host, ctx));
        }
    }

    fn unban(&mut self, host: Host) -> bool {
        let Self { sites, world, .. } = self;
        let of_network = sites.iter_mut().filter(|site| site.network == host.network());
        of_network
            .fold(false, |any, site| site.with_zone(world, |zone, ctx| zone.unban(host, ctx)) | any)
    }

    fn configure(&mut self, zones: Vec<(Network, Params, PeersConfig)>) {
        let Self { sites, world, .. } = self;
        for (network, params, peers) in zones {
            let Some(site) = sites.iter_mut().find(|site| site.network == network) else {
                continue;
            };
            site.with_zone(world, |zone, ctx| {
                zone.set_params(params, ctx);
                zone.set_peers(peers, ctx);
            });
        }
    }

    fn addresses(&self) -> Vec<KnownAddress> {
        let now = self.world.clock.unix();
        self.sites.iter().flat_map(|site| site.addresses(now)).collect()
    }
}

impl Site {
    fn embargo_of(&self, kernel: &Hash) -> Option<Instant> {
        self.zone.pool().embargo_of(kernel)
    }

    fn addresses(&self, now: UnixTime) -> Vec<KnownAddress> {
        let book = self.zone.book();
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
