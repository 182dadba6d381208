//! What the network reports goes to the zone.

use scape_p2p::handshake::HandshakeError;
use scape_p2p::link::Offence;
use scape_p2p::net::{ConnectError, LinkError, NetEvent};
use scape_p2p::zone::DialFailure;
use tracing::debug;

use super::{Site, World};
use crate::node::trail;

impl Site {
    /// Lets the zone see an event. Returns the event that was hidden in it, if there was one.
    pub(in crate::node) fn handle_event(
        &mut self,
        event: NetEvent,
        world: &World,
    ) -> Option<NetEvent> {
        if let NetEvent::Disconnected { peer, .. } = &event {
            self.engine.forget(*peer);
        }
        if let NetEvent::Frame { peer, frame } = &event {
            // What was hidden in frames is a message like any other.
            let whole = self.with_zone(world, |zone, ctx| zone.handle_frame(*peer, frame, ctx));
            return whole.map(|message| NetEvent::Message { peer: *peer, message });
        }
        self.with_zone(world, |zone, ctx| match event {
            NetEvent::Connected { peer, addr, direction, info } => {
                zone.handle_connected(peer, addr, direction, info, ctx);
            }
            NetEvent::ConnectFailed { addr, error } => {
                debug!(%addr, %error, "connecting failed");
                zone.handle_connect_failed(addr, whose(&error), ctx);
            }
            NetEvent::Message { peer, message } => {
                trail::received(zone, peer, &message);
                zone.handle_message(peer, message, ctx);
            }
            // See above.
            NetEvent::Frame { .. } => {}
            NetEvent::BadTransaction { peer, error } => {
                debug!(%peer, %error, "bad transaction");
                zone.handle_bad_transaction(peer, ctx);
            }
            NetEvent::Disconnected { peer, error, unsent } => {
                let offence = error.as_ref().and_then(offence);
                zone.handle_disconnected(peer, unsent, offence, ctx);
            }
        });
        None
    }
}

/// Who is to blame that a connection did not come about.
fn whose(error: &ConnectError) -> DialFailure {
    match error {
        ConnectError::Handshake(HandshakeError::ConnectedToSelf) => DialFailure::Oneself,
        ConnectError::Transport(error) if error.is_of_proxy() => DialFailure::Proxy,
        _ => DialFailure::Peer,
    }
}

/// What a connection that ended so costs.
fn offence(error: &LinkError) -> Option<Offence> {
    match error {
        LinkError::Flood(_) => Some(Offence::Flood),
        error => Offence::of(error.blame()),
    }
}

#[cfg(test)]
mod tests {
    use scape_p2p::addr::Network;
    use scape_p2p::net::transport::TransportError;

    use super::*;

    #[test]
    fn what_the_proxy_did_is_not_the_peers_fault() {
        let own = ConnectError::Handshake(HandshakeError::ConnectedToSelf);
        assert_eq!(whose(&own), DialFailure::Oneself);
        let no_bridge = ConnectError::Transport(TransportError::NoSession);
        assert_eq!(whose(&no_bridge), DialFailure::Proxy);
        let no_way = ConnectError::Transport(TransportError::Unsupported(Network::Tor));
        for error in [no_way, ConnectError::Closed, ConnectError::TimedOut] {
            assert_eq!(whose(&error), DialFailure::Peer, "{error}");
        }
    }
}
