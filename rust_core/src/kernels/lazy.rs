//! Lazy greedy choice: Minoux, "Accelerated greedy algorithms for maximizing submodular set
//! functions", 1978.
//!
//! A gain can only shrink as more is covered, so one that was worked out earlier is a bound: only
//! candidates whose bound beats the best fresh gain are looked at again.

use super::Result;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// What covers what; gains must never grow, not even by rounding.
pub(crate) trait Coverage {
    /// The gain of every candidate while nothing is picked.
    fn first_gains(&mut self) -> Result<Vec<f64>>;
    /// The gains of these candidates now.
    fn gains(&mut self, candidates: &[usize]) -> Result<Vec<f64>>;
    /// Pick a candidate.
    fn pick(&mut self, candidate: usize) -> Result<()>;
}

/// How many gains to work out at a time: few at first, and more as more turn out to be needed.
const AT_ONCE: usize = 12;
const AT_MOST: usize = 768;

/// Rows of an argument in the order of picking, with their gains at that time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Picks {
    /// Which.
    pub index: Vec<i64>,
    /// How much each added.
    pub gain: Vec<f32>,
}

impl Picks {
    pub(crate) fn push(&mut self, index: usize, gain: f64) {
        self.index.push(index as i64);
        self.gain.push(gain as f32);
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    gain: f64,
    candidate: usize,
    /// How many were picked when the gain was worked out.
    picked: usize,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let gains = self.gain.total_cmp(&other.gain);
        gains.then_with(|| other.candidate.cmp(&self.candidate))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

/// Up to `k` candidates, each of the largest gain given those before it, the first of equals;
/// none that gains nothing.
pub(crate) fn choose(coverage: &mut impl Coverage, k: usize) -> Result<Picks> {
    let mut picks = Picks::default();
    if k == 0 {
        return Ok(picks);
    }
    let first = coverage.first_gains()?.into_iter().enumerate();
    let entries = first.map(|(candidate, gain)| Entry {
        gain,
        candidate,
        picked: 0,
    });
    let mut heap: BinaryHeap<Entry> = entries.filter(|entry| entry.gain > 0.0).collect();
    while picks.index.len() < k {
        let Some(best) = freshest(coverage, &mut heap, picks.index.len())? else {
            break;
        };
        coverage.pick(best.candidate)?;
        picks.push(best.candidate, best.gain);
    }
    Ok(picks)
}

/// Take the best candidate out of the heap, looking again at those that may be it.
fn freshest(
    coverage: &mut impl Coverage,
    heap: &mut BinaryHeap<Entry>,
    picked: usize,
) -> Result<Option<Entry>> {
    let mut best: Option<Entry> = None;
    let mut at_once = AT_ONCE;
    loop {
        let mut stale = Vec::new();
        while stale.len() < at_once
            && let Some(top) = heap.peek().copied()
            && best.is_none_or(|best| top > best)
        {
            heap.pop();
            if picked == 0 || top.picked == picked {
                heap.extend(best.replace(top));
            } else {
                stale.push(top.candidate);
            }
        }
        if stale.is_empty() {
            return Ok(best);
        }
        at_once = (2 * at_once).min(AT_MOST);
        for (candidate, gain) in stale.iter().copied().zip(coverage.gains(&stale)?) {
            let entry = Entry {
                gain,
                candidate,
                picked,
            };
            if gain > 0.0 && best.is_none_or(|best| entry > best) {
                heap.extend(best.replace(entry));
            } else if gain > 0.0 {
                heap.push(entry);
            }
        }
    }
}
