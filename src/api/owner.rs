//! The owner API: what the owner of the node, and the command line, ask and order.
//!
//! # Security
//! It shows what the stem hides. It is for the owner alone, and has a password of its own.

use std::sync::Arc;

use scape_aggregate::Commitment;
use scape_p2p::addr::{Host, PeerAddr};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::jsonrpc::{CallError, Methods, Params};
use super::reload::{Reloaded, Reloader};
use super::view::{AddressView, PeerView, StatusView, TransactionView};
use super::wrapped::{MethodError, wrap};
use crate::node::{FluffError, NodeHandle};

/// The owner API of a node.
pub(super) struct Owner {
    node: NodeHandle,
    reloader: Arc<Reloader>,
}

impl Owner {
    pub(super) fn new(node: NodeHandle, reloader: Arc<Reloader>) -> Self {
        Self { node, reloader }
    }

    async fn status(&self) -> Result<StatusView, MethodError> {
        let status = self.node.status().await?;
        Ok(StatusView::of(&status, &*self.reloader.running().await))
    }

    async fn connected(&self) -> Result<Vec<PeerView>, MethodError> {
        let status = self.node.status().await?;
        let uptime = status.uptime;
        let zones = status.zones.iter();
        let peers = zones.flat_map(|zone| zone.peers.iter().map(move |peer| (peer, zone)));
        Ok(peers.map(|(peer, zone)| PeerView::of(peer, zone, uptime)).collect())
    }

    async fn known(&self, wanted: Option<Addr>) -> Result<Vec<AddressView>, MethodError> {
        let known = self.node.addresses().await?;
        let Some(wanted) = wanted else { return Ok(known.iter().map(AddressView::from).collect()) };
        let found = known.iter().filter(|known| {
            known.host == wanted.host && (wanted.addr.is_none() || known.addr == wanted.addr)
        });
        let found: Vec<_> = found.map(AddressView::from).collect();
        if found.is_empty() { Err(MethodError::NotFound) } else { Ok(found) }
    }

    async fn ban(&self, addr: Addr) -> Result<(), MethodError> {
        Ok(self.node.ban(addr.host).await?)
    }

    async fn unban(&self, addr: Addr) -> Result<(), MethodError> {
        match self.node.unban(addr.host).await? {
            true => Ok(()),
            false => Err(MethodError::NotFound),
        }
    }

    async fn transactions(&self) -> Result<Vec<TransactionView>, MethodError> {
        Ok(self.node.transactions().await?.iter().map(TransactionView::from).collect())
    }

    async fn transaction(&self, Excess(excess): Excess) -> Result<TransactionView, MethodError> {
        let own = self.node.transaction(excess).await?.ok_or(MethodError::NotFound)?;
        Ok(TransactionView::from(&own))
    }

    async fn fluff(&self, Excess(excess): Excess) -> Result<(), MethodError> {
        self.node.fluff(excess).await?.map_err(|error| match error {
            FluffError::Unknown => MethodError::NotFound,
            FluffError::NotInStem | FluffError::NobodyThere => {
                MethodError::Argument(error.to_string())
            }
        })
    }

    async fn reload(&self) -> Result<Reloaded, MethodError> {
        let reloaded = self.reloader.reload(&self.node).await;
        reloaded.map_err(|error| MethodError::Argument(error.to_string()))
    }
}

impl Methods for Owner {
    async fn call(&self, method: &str, params: Params<'_>) -> Result<Box<RawValue>, CallError> {
        match method {
            "get_status" => {
                let [] = params.take([])?;
                wrap(&self.status().await)
            }
            "get_connected_peers" => {
                let [] = params.take([])?;
                wrap(&self.connected().await)
            }
            "get_peers" => {
                let [addr] = params.take(["peer_addr"])?;
                wrap(&self.known(addr.get()?).await)
            }
            "ban_peer" => {
                let [addr] = params.take(["peer_addr"])?;
                wrap(&self.ban(addr.get()?).await)
            }
            "unban_peer" => {
                let [addr] = params.take(["peer_addr"])?;
                wrap(&self.unban(addr.get()?).await)
            }
            "get_transactions" => {
                let [] = params.take([])?;
                wrap(&self.transactions().await)
            }
            "get_transaction" => {
                let [excess] = params.take(["kernel_excess"])?;
                wrap(&self.transaction(excess.get()?).await)
            }
            "fluff_transaction" => {
                let [excess] = params.take(["kernel_excess"])?;
                wrap(&self.fluff(excess.get()?).await)
            }
            "reload_config" => {
                let [] = params.take([])?;
                wrap(&self.reload().await)
            }
            _ => Err(CallError::unknown_method()),
        }
    }
}

/// The address of a peer, with or without its port.
struct Addr {
    host: Host,
    addr: Option<PeerAddr>,
}

impl<'de> Deserialize<'de> for Addr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let with_port = text.parse().map(|addr: PeerAddr| (addr.host(), Some(addr)));
        let addr = with_port.or_else(|_| text.parse().map(|host: Host| (host, None)));
        let (host, addr) = addr.map_err(|_| serde::de::Error::custom("not an address"))?;
        Ok(Self { host, addr })
    }
}

/// The excess of a kernel, in hex.
struct Excess(Commitment);

impl<'de> Deserialize<'de> for Excess {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut bytes = [0; Commitment::SIZE];
        let text = String::deserialize(deserializer)?;
        hex::decode_to_slice(text.trim(), &mut bytes)
            .map_err(|_| serde::de::Error::custom("not the excess of a kernel in hex"))?;
        Ok(Self(Commitment(bytes)))
    }
}
