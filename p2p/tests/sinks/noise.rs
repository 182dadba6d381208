//! What is sealed and hidden in white noise, by all nodes or by one.

use std::collections::BTreeSet;
use std::time::Duration;

use scape_p2p::dandelion::Preset;
use scape_p2p::wire::Message;
use scape_pool::{EmbargoDelay, FluffReason, PeerId};

use crate::net::Net;

#[test]
fn under_noise_all_is_sealed_and_in_frames_and_meets_at_the_sink() {
    let mut net = Net::with_noise(14, 0, 14);
    net.warm_up();
    let (elected, others) = net.elected();
    net.carried.clear();
    net.hidden.clear();
    let txs: Vec<_> = others[..4].iter().map(|node| net.push(*node)).collect();
    net.run(100);
    assert_eq!(net.fluffs(FluffReason::Gathered), [], "still on their way, or waiting");
    assert!(net.hidden.iter().all(|(_, message)| matches!(message, Message::SealedStem { .. })));
    let told: BTreeSet<_> = net.hidden.iter().map(|(from, _)| *from).collect();
    assert!(others[..4].iter().all(|origin| told.contains(origin)), "{told:?}");
    // Only the last step may show.
    assert_eq!(net.passed_on, 0, "{:?}", net.carried);
    net.run(200);
    assert_eq!(net.fluffs(FluffReason::Gathered), [(elected, 4)]);
    assert!(txs.iter().all(|tx| net.is_public_everywhere(tx)));
    net.run(300);
    assert!(net.all_met());
    assert!(net.stemmed.is_empty() && net.passed_on == 0);
}

/// Whoever has noise alone hides as well as all, up to the first who has none.
#[test]
fn one_with_noise_among_others_sends_its_own_in_frames_alone() {
    let mut net = Net::with_noise(14, 0, 1);
    net.warm_up();
    net.carried.clear();
    net.hidden.clear();
    (0..3).for_each(|_| drop(net.push(0)));
    net.run(5);
    assert!(net.carried.iter().all(|(from, _)| *from != 0), "{:?}", net.carried);
    net.run(60);
    let sealed = |(from, message): &&(usize, Message)| {
        *from == 0 && matches!(message, Message::SealedStem { .. })
    };
    assert_eq!(net.hidden.iter().filter(sealed).count(), net.hidden.len());
    assert!(net.hidden.len() >= 3, "{}", net.hidden.len());
    assert!(!net.stemmed.contains(&0));
    // Without noise it is the other way round.
    let origin =
        (1..14).find(|node| !net.nodes[*node].zone.sinks().is_empty()).expect("all but one");
    net.push(origin);
    net.run(5);
    assert!(net.carried.iter().any(|(from, _)| *from == origin));
}

#[test]
fn what_waits_for_its_frames_still_is_not_sealed_again() {
    let mut net = Net::with_noise(14, 0, 14);
    net.warm_up();
    let (_, others) = net.elected();
    let origin = others[0];
    let mut params = Preset::Scape.params();
    let (base, spread) = (Duration::from_secs(1), Duration::ZERO);
    params.embargo.delay = EmbargoDelay::Uniform { base, spread };
    net.call(origin, |zone, ctx| zone.set_params(params, ctx));
    net.hidden.clear();
    net.fragments.clear();
    let began = net.now;
    net.push_with(origin, 20);
    let is_own = |(from, _): &(usize, Message)| *from == origin;
    while !net.hidden.iter().any(is_own) {
        net.run(1);
    }
    // Its six frames took longer than its embargo, which has begun anew.
    assert!(net.now.saturating_since(began) > Duration::from_secs(60));
    net.run(18);
    let begun = net.fragments.iter().filter(|(from, _, index)| (*from, *index) == (origin, 0));
    assert_eq!(begun.count(), 1);
}

#[test]
fn a_carrier_that_goes_in_the_middle_of_a_message_takes_nothing_with_it() {
    let mut net = Net::with_noise(14, 0, 14);
    net.warm_up();
    let (elected, others) = net.elected();
    let origin = others[0];
    net.hidden.clear();
    net.fragments.clear();
    let tx = net.push_with(origin, 20);
    let begun = |net: &Net| {
        net.fragments.iter().find(|(from, _, i)| (*from, *i) == (origin, 1)).map(|(_, to, _)| *to)
    };
    let carrier = loop {
        net.run(1);
        if let Some(carrier) = begun(&net) {
            break carrier;
        }
    };
    let to_carrier = |(_, (to, _)): &(&PeerId, &(usize, PeerId))| *to == carrier;
    let links = net.nodes[origin].links.iter().filter(to_carrier).map(|(link, _)| *link);
    let links: Vec<_> = links.collect();
    assert!(net.hidden.is_empty(), "it takes six frames");
    links.into_iter().for_each(|link| net.disconnect(origin, link));
    net.unreachable.insert(carrier);
    net.fragments.clear();
    net.settle();
    net.run(400);
    let first = net.fragments.iter().find(|(from, ..)| *from == origin).expect("it goes on");
    assert!(first.1 != carrier && first.2 == 0, "another one gets it from its beginning");
    assert_eq!(net.fluffs(FluffReason::Gathered), [(elected, 1)]);
    assert!(net.is_public_at(origin, &tx));
    assert!(net.all_met());
}
