use super::{Breach, Invariant, Law, honest};
use crate::net::{Happening, Network, Observation};

/// No honest node bans or throws out another honest node, and none refuses a block of another.
#[derive(Clone, Copy, Default, Debug)]
pub struct Fair;

impl Invariant for Fair {
    fn after(&mut self, net: &Network, what: &[Happening]) -> Result<(), Breach> {
        for happening in what {
            let Happening::Observed(node, seen) = happening else { continue };
            let fault = match seen {
                Observation::Blocked(peer) if honest(net, *node) && honest(net, *peer) => {
                    format!("{node} bans {peer}")
                }
                Observation::Expelled(peer) if honest(net, *node) && honest(net, *peer) => {
                    format!("{node} throws {peer} out")
                }
                Observation::BadBlock(block) => format!("{node} refuses block {block}"),
                _ => continue,
            };
            return Err(Breach::new(Law::Fair, net, fault, &[]));
        }
        Ok(())
    }
}
