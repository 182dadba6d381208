//! What the owner asks of a zone.

use scape_aggregate::Hash;
use scape_pool::{Instant, Record};

use super::{Effect, PeersConfig, Zone, ZoneContext};
use crate::addr::Host;
use crate::dandelion::Params;

impl Zone {
    /// Lifts the ban of a host. Returns whether there was one.
    pub fn unban(&mut self, host: impl Into<Host>, ctx: &ZoneContext<'_>) -> bool {
        let host = host.into().whole();
        let banned = self.book.unban(host);
        if let Host::Ip(ip) = host {
            self.effects.push_back(Effect::Unblock { ip });
        }
        self.dialer.wake(ctx.now);
        banned
    }

    /// Fluffs the stem transaction with this kernel now; its family goes with it, so that nothing
    /// is public before what it depends on. Returns whether there is such a transaction.
    pub fn fluff(&mut self, kernel: &Hash, ctx: &ZoneContext<'_>) -> bool {
        self.with_pool(ctx, |pool, ctx| pool.handle_asked(kernel, ctx))
    }

    /// Forgets transactions of the owner that have not left, which go on in another zone: see
    /// [`Pool::unsent`](scape_pool::Pool::unsent). There they are to be given to [`Zone::restore`].
    pub fn withdraw(&mut self, records: &[Record], ctx: &ZoneContext<'_>) {
        self.with_pool(ctx, |pool, ctx| pool.withdraw(records, ctx));
    }

    /// Routes by other parameters from now on. What waits already keeps its end of patience and of
    /// embargo, and the relays of this epoch stay as far as there are as many. The parameters must
    /// have passed [`Params::check`].
    pub fn set_params(&mut self, params: Params, ctx: &ZoneContext<'_>) {
        self.config.params = params;
        self.router.set_params(params, ctx.now);
        let service = Some(params.service().pool);
        self.pool.set_timers(params.patience, self.config.embargo(), service, ctx.now);
        self.refresh_relays(ctx);
        self.elect_again(ctx);
    }

    /// Connects to others from now on. Links that are up stay.
    pub fn set_peers(&mut self, peers: PeersConfig, ctx: &ZoneContext<'_>) {
        self.dialer.set_fixed(&peers.fixed, ctx.now);
        self.config.peers = peers;
        self.refresh_relays(ctx);
    }

    /// Whom to connect to, as it is in force.
    pub fn peers_config(&self) -> &PeersConfig {
        &self.config.peers
    }

    /// When relays are chosen anew. For the owner only.
    pub fn epoch_end(&self) -> Instant {
        self.router.poll_timeout()
    }
}
