//! What waits for frames, and whose turn it is.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use scape_pool::Source;

use super::error::QueueError;
use super::frame::FrameSize;

/// The owner's name for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Messages that wait on one channel, bounded by bytes.
///
/// # Who waits
///
/// Every source has its turn: of the sources with something to send that one is next which has had
/// the fewest frames so far (start-time fair queueing), and among equals the one whose message has
/// waited longest. When there is no room the source that holds most gives up its latest message,
/// and a newcomer that would itself hold most is refused.
///
/// The owner is one source among the others, and nothing but arrival and size decides. Precedence
/// for own messages would be cheaper for their sender and tell the relay everything: whoever feeds
/// us a message and sees another one overtake it knows whose that is. For the same reason own
/// messages have no reserve, which who fills the rest of the queue could see being used. What a
/// relay learns from order is how many sources were active, as it would from the messages alone.
///
/// A flood from one peer delays the owner's message by one message of that peer, and displaces
/// nothing but the flood. With k peers it is k messages; peers are few, and cost a connection each.
#[derive(Debug, Clone)]
pub struct Queue {
    size: FrameSize,
    limit: usize,
    /// Of sources with something to send, and of those that had their turn so recently that it
    /// still counts.
    lanes: BTreeMap<Source, Lane>,
    /// How many frames the source that was served last had had before: newcomers start there.
    begun: u64,
    arrivals: u64,
    held: usize,
}

#[derive(Debug, Clone)]
struct Lane {
    served: u64,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug, Clone)]
struct Waiting {
    ticket: Ticket,
    bytes: Bytes,
    arrival: u64,
    cost: usize,
}

impl Queue {
    /// An empty queue for messages that take up to `limit` bytes of frames together.
    pub fn new(size: FrameSize, limit: usize) -> Self {
        Self { size, limit, lanes: BTreeMap::new(), begun: 0, arrivals: 0, held: 0 }
    }

    /// How much is waiting, in bytes of whole frames.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Adds a message; gives the tickets of those that had to make room.
    ///
    /// # Errors
    ///
    /// One [`QueueError`] per rule; nothing has changed then.
    pub fn push(
        &mut self,
        source: Source,
        ticket: Ticket,
        bytes: Bytes,
    ) -> Result<Vec<Ticket>, QueueError> {
        let cost = self.cost(&bytes)?;
        let victims = self.make_room(source, cost).ok_or(QueueError::Full)?;
        let displaced = victims.into_iter().filter_map(|victim| self.pop_latest(victim)).collect();
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.held += cost;
        let new = Lane { served: self.begun, waiting: VecDeque::new() };
        let lane = self.lanes.entry(source).or_insert(new);
        if lane.waiting.is_empty() {
            lane.served = lane.served.max(self.begun);
        }
        lane.waiting.push_back(Waiting { ticket, bytes, arrival, cost });
        Ok(displaced)
    }

    /// Takes the message whose turn it is.
    pub fn pop(&mut self) -> Option<(Ticket, Bytes)> {
        let waiting = self.lanes.values_mut().filter(|lane| !lane.waiting.is_empty());
        let lane = waiting.min_by_key(|lane| {
            (lane.served, lane.waiting.front().map(|waiting| waiting.arrival))
        })?;
        let taken = lane.waiting.pop_front()?;
        self.begun = lane.served;
        lane.served += (taken.cost / self.size.bytes()) as u64;
        self.held -= taken.cost;
        self.forget();
        Some((taken.ticket, taken.bytes))
    }

    /// Removes a message that is no longer to be sent. Says whether it was waiting.
    pub fn cancel(&mut self, ticket: Ticket) -> bool {
        let held = |(source, lane): (&Source, &Lane)| {
            let place = lane.waiting.iter().position(|waiting| waiting.ticket == ticket)?;
            Some((*source, place))
        };
        let Some((source, place)) = self.lanes.iter().find_map(held) else { return false };
        if let Some(lane) = self.lanes.get_mut(&source)
            && let Some(removed) = lane.waiting.remove(place)
        {
            self.held -= removed.cost;
        }
        self.forget();
        true
    }

    fn cost(&self, bytes: &[u8]) -> Result<usize, QueueError> {
        if bytes.is_empty() {
            return Err(QueueError::Empty);
        }
        let limit = self.size.max_message();
        let too_long = QueueError::TooLong { length: bytes.len(), limit };
        let count = self.size.fragments(bytes.len()).ok_or(too_long)?;
        Ok(usize::from(count) * self.size.bytes())
    }

    /// Whose latest messages have to go so that `cost` more bytes of this source fit; `None` if it
    /// is this source's turn to give way. Looks before anything is touched.
    fn make_room(&self, source: Source, cost: usize) -> Option<Vec<Source>> {
        let mut over = (self.held + cost).saturating_sub(self.limit);
        let mut lanes: Vec<_> = self.lanes.iter().map(|(s, lane)| (*s, lane.costs())).collect();
        let held = |costs: &Vec<usize>| costs.iter().sum::<usize>();
        let mine = lanes.iter().find(|(s, _)| *s == source).map_or(0, |(_, costs)| held(costs));
        lanes.retain(|(s, _)| *s != source);
        let mut victims = Vec::new();
        while over > 0 {
            let (victim, costs) = lanes.iter_mut().max_by_key(|(_, costs)| held(costs))?;
            if held(costs) <= mine + cost {
                return None;
            }
            over = over.saturating_sub(costs.pop()?);
            victims.push(*victim);
        }
        Some(victims)
    }

    fn pop_latest(&mut self, source: Source) -> Option<Ticket> {
        let removed = self.lanes.get_mut(&source)?.waiting.pop_back()?;
        self.held -= removed.cost;
        self.forget();
        Some(removed.ticket)
    }

    /// Forgets sources that have nothing to send and would start where newcomers do.
    fn forget(&mut self) {
        if self.held == 0 {
            self.lanes.clear();
        }
        let begun = self.begun;
        self.lanes.retain(|_, lane| !lane.waiting.is_empty() || lane.served > begun);
    }
}

impl Lane {
    fn costs(&self) -> Vec<usize> {
        self.waiting.iter().map(|waiting| waiting.cost).collect()
    }
}
