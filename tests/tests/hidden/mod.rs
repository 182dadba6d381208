//! What the tests of anonymity networks share: two relays and their journey, over whichever network.

pub(crate) mod journey;
#[path = "../grin_programs/program.rs"]
pub(crate) mod program;
pub(crate) mod relay;
#[path = "../../zones/sockets.rs"]
mod sockets;
