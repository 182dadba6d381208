use scape_aggregate::Hash;
use scape_p2p::wire::Message;

use super::{Breach, Invariant, Law, honest};
use crate::flow::kernels;
use crate::net::{Happening, Network, NodeId};

/// Nodes announce and serve what is public to them, and ask for what is not, whatever is in their
/// stempools.
#[derive(Clone, Copy, Default, Debug)]
pub struct Private;

impl Invariant for Private {
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach> {
        for happening in what {
            let Happening::Sent { from, to, message, .. } = happening else { continue };
            if honest(net, *from) {
                check(net, *from, message).map_err(|(fault, kernel)| {
                    Breach::new(Law::Private, net, format!("{from} {fault} to {to}"), &[kernel])
                })?;
            }
        }
        Ok(())
    }
}

fn check(net: &Network, node: NodeId, message: &Message) -> Result<(), (&'static str, Hash)> {
    let Some(zone) = net.node(node).zone() else { return Ok(()) };
    let public = |kernel: &Hash| zone.pool().knows_public(kernel);
    match message {
        Message::TransactionKernel(kernel) if !public(kernel) => {
            Err(("announces what is not public", *kernel))
        }
        Message::Transaction(tx) => match kernels(tx).into_iter().find(|kernel| !public(kernel)) {
            Some(kernel) => Err(("tells what is not public", kernel)),
            None => Ok(()),
        },
        Message::GetTransaction(kernel) if public(kernel) => {
            Err(("asks for what is public", *kernel))
        }
        _ => Ok(()),
    }
}
