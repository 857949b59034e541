//! The rows that may be the farthest from all centres, in the order in which to look at them.
//!
//! Rows far from all centres, above a floor, wait in a heap. When none is left there, the floor
//! sinks to where a sample says that as many rows are above it as are wanted next: a row goes
//! through the centres only until one is nearer than the floor, which for most is soon. Where
//! the floor is has no influence on what is picked.

use super::block::Block;
use super::nearness::Nearness;
use super::product::Packed;
use super::refresh::{Entry, Rows};
use super::sieve::Sieve;
use super::{Cancel, Engine, Result};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Rows that the first floor should let through: per pick, and at least this share of all.
const AHEAD: (usize, usize) = (4, 128);
/// The share of all to which that doubles, floor by floor.
const AHEAD_LAST: usize = 16;
/// Rows in the sample: at most, and at most this share of all.
const SAMPLE: (usize, usize) = (1024, 16);
/// Rows to bring up to date at once, at least and at most.
const BATCH: (usize, usize) = (16, 8192);

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The farthest last; of equally far ones the smallest keyed hash, then the first row.
    fn cmp(&self, other: &Self) -> Ordering {
        let gap = self.bound.total_cmp(&other.bound);
        gap.then_with(|| (other.tie, other.place).cmp(&(self.tie, self.place)))
    }
}

/// What a selection is about.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) engine: &'a Engine,
    pub(super) blocks: &'a [Block<'a>],
    pub(super) k: usize,
    pub(super) seed: u64,
    pub(super) cancel: &'a Cancel,
}

/// The rows that may be the farthest.
pub(super) struct Frontier<'a> {
    job: Job<'a>,
    rows: Rows<'a>,
    known: &'a mut Nearness,
    /// Centres beyond those of `known`.
    others: Packed<'static>,
    /// Rows that are not nearer than the floor, as far as is known.
    heap: BinaryHeap<Entry>,
    /// Rows that are nearer than the floor, but only to one of the others.
    parked: Vec<Entry>,
    /// Rows that are not closed are nearer than this; 0 once there are none.
    floor: f32,
    ahead: usize,
    sample: Vec<Entry>,
    open: usize,
    /// Rows that are excluded or in the heap or parked or were picked.
    closed: Vec<bool>,
}

impl<'a> Frontier<'a> {
    /// `closed` rows are never found.
    pub(super) fn new(
        job: Job<'a>,
        known: &'a mut Nearness,
        others: Packed<'static>,
        closed: Vec<bool>,
    ) -> Self {
        let sample = sample(known, &closed);
        Self {
            job,
            rows: Rows::new(job.blocks),
            known,
            others,
            heap: BinaryHeap::new(),
            parked: Vec::new(),
            floor: f32::INFINITY,
            ahead: AHEAD.0.saturating_mul(job.k).max(closed.len() / AHEAD.1),
            sample,
            open: closed.iter().filter(|&&closed| !closed).count(),
            closed,
        }
    }

    /// One more centre: a row of the pool.
    pub(super) fn push(&mut self, block: usize, row: usize) {
        let (vectors, level) = (&self.job.blocks[block].vectors, self.job.engine.level());
        self.others.push(vectors, row, level);
    }

    /// The farthest row, which leaves the frontier.
    pub(super) fn next(&mut self) -> Result<Option<(Entry, (usize, usize))>> {
        let mut size = BATCH.0;
        loop {
            match self.heap.peek() {
                Some(top) if self.is_fresh(top) => {
                    let found = self.heap.pop();
                    return Ok(found.map(|entry| (entry, self.rows.find(entry.place))));
                }
                Some(_) => {
                    self.refresh(size)?;
                    size = (2 * size).min(BATCH.1);
                }
                None if self.floor <= 0.0 => return Ok(None),
                None => self.widen()?,
            }
        }
    }

    /// Whether the bound is the distance. Nothing is nearer than 0.
    fn is_fresh(&self, entry: &Entry) -> bool {
        let all = self.known.centres() + self.others.rows();
        entry.bound <= 0.0 || entry.seen as usize == all
    }

    /// Bring the first rows of the heap up to date, as far as they may be the farthest.
    fn refresh(&mut self, size: usize) -> Result<()> {
        let (mut stale, mut enough) = (Vec::with_capacity(size), self.floor);
        while stale.len() < size
            && let Some(top) = self.heap.peek()
        {
            if self.is_fresh(top) {
                enough = top.bound;
                break;
            }
            stale.extend(self.heap.pop());
        }
        self.bring(&mut stale, enough)?;
        self.sort_in(stale);
        Ok(())
    }

    fn bring(&mut self, entries: &mut [Entry], enough: f32) -> Result<()> {
        let (job, rows, others) = (&self.job, &self.rows, &self.others);
        self.known
            .refresh(job.engine, rows, others, entries, enough, job.cancel)
    }

    fn sort_in(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            if entry.bound >= self.floor {
                self.heap.push(entry);
            } else {
                self.parked.push(entry);
            }
        }
    }

    /// Lower the floor, so that more rows come into the heap, which is empty.
    fn widen(&mut self) -> Result<()> {
        self.floor = self.lower_floor()?;
        let mut back = Vec::new();
        let floor = self.floor;
        self.parked.retain(|entry| {
            let stays = entry.bound < floor;
            if !stays {
                back.push(*entry);
            }
            stays
        });
        self.bring(&mut back, floor)?;
        self.sort_in(back);
        let sieve = Sieve {
            blocks: self.job.blocks,
            rows: &self.rows,
            others: &self.others,
            floor,
            seed: self.job.seed,
            cancel: self.job.cancel,
        };
        let found = sieve.run(self.job.engine, self.known, &mut self.closed)?;
        self.sort_in(found.into_iter().flatten());
        if self.heap.is_empty() || self.ahead < self.open / AHEAD_LAST {
            self.ahead = self.ahead.saturating_mul(2);
        }
        Ok(())
    }

    /// Below this are all rows but `ahead`, if they are as the sample is.
    fn lower_floor(&mut self) -> Result<f32> {
        let mut sample = std::mem::take(&mut self.sample);
        self.bring(&mut sample, 0.0)?;
        let above = self.ahead as f64 / self.open.max(1) as f64 * sample.len() as f64;
        let above = above as usize;
        let floor = if above < sample.len() {
            let farther = |a: &Entry, b: &Entry| b.bound.total_cmp(&a.bound);
            sample.select_nth_unstable_by(above, farther).1.bound
        } else {
            0.0
        };
        self.sample = sample;
        // Were the sample all above the floor, it would say nothing.
        Ok(if floor < self.floor { floor } else { 0.0 })
    }
}

/// Open rows at even distances, the same ones if only a few more are closed.
fn sample(known: &Nearness, closed: &[bool]) -> Vec<Entry> {
    let wanted = (closed.len() / SAMPLE.1).clamp(1, SAMPLE.0);
    let step = closed.len().div_ceil(wanted).max(1);
    let spans = closed.chunks(step).enumerate();
    let first = spans.filter_map(|(at, span)| {
        let open = span.iter().position(|&closed| !closed);
        open.map(|row| known.entry(at * step + row))
    });
    first.collect()
}
