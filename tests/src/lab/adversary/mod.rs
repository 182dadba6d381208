//! What adversaries make of what they see, each in a file of its own.
//!
//! They are told the [`Run`](super::Run)'s sights, and what anybody can know: who is connected to
//! whom, and the parameters. Of a payment itself they look only at what serves to score a guess.

pub mod black_hole;
pub mod fingerprint;
pub mod first_spy;
pub mod links;
pub mod max_weight;
mod routing;
mod trail;
pub mod wire;
