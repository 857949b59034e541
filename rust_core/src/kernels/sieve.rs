//! A pass over all rows that finds those that may be far from every centre.

use super::block::{Block, Chunk};
use super::hash::keyed_hash;
use super::nearness::{Nearness, Scratch};
use super::product::Packed;
use super::refresh::{Against, Entry, Rows};
use super::simd::{Kernel, Simd};
use super::{Cancel, Engine, Result};
use rayon::prelude::*;

/// Rows per task: enough that the few that come through make full tiles.
const TASK_ROWS: usize = 512;

/// What to look for, and where.
pub(super) struct Sieve<'a> {
    pub(super) blocks: &'a [Block<'a>],
    pub(super) rows: &'a Rows<'a>,
    /// Centres beyond those of the [`Nearness`].
    pub(super) others: &'a Packed<'static>,
    /// Rows nearer than this do not matter.
    pub(super) floor: f32,
    pub(super) seed: u64,
    pub(super) cancel: &'a Cancel,
}

impl Sieve<'_> {
    /// Of the rows that are not `closed`: those that are not nearer to any centre than the floor,
    /// up to date, and those that only the others are near to. They are closed then. What was
    /// found out about the other rows is kept.
    pub(super) fn run(
        &self,
        engine: &Engine,
        known: &mut Nearness,
        closed: &mut [bool],
    ) -> Result<Vec<Vec<Entry>>> {
        let against = Against {
            rows: self.rows,
            own: &known.centres,
            others: self.others,
            enough: self.floor,
            cancel: self.cancel,
        };
        let (mut bound, mut seen, mut closed) = (&mut known.bound[..], &mut known.seen[..], closed);
        let mut tasks = Vec::new();
        for chunk in tasks_of(self.blocks) {
            let (now_bound, now_seen, now_closed);
            (now_bound, bound) = bound.split_at_mut(chunk.len);
            (now_seen, seen) = seen.split_at_mut(chunk.len);
            (now_closed, closed) = closed.split_at_mut(chunk.len);
            tasks.push(Pass {
                first: self.rows.place(chunk.block, chunk.start),
                chunk,
                against,
                bound: now_bound,
                seen: now_seen,
                closed: now_closed,
                seed: self.seed,
            });
        }
        let level = engine.level();
        engine.install(|| {
            let tasks = tasks.into_par_iter();
            let found = tasks.map_init(Scratch::default, |scratch, pass| {
                level.run(Task { pass, scratch })
            });
            found.collect()
        })
    }
}

fn tasks_of<'a>(blocks: &'a [Block<'a>]) -> impl Iterator<Item = Chunk<'a>> {
    blocks.iter().enumerate().flat_map(|(block, of)| {
        (0..of.rows()).step_by(TASK_ROWS).map(move |start| Chunk {
            block,
            start,
            len: TASK_ROWS.min(of.rows() - start),
            of,
        })
    })
}

/// The rows of one task and what is known of them.
struct Pass<'a> {
    chunk: Chunk<'a>,
    /// Its first row, counted through all blocks.
    first: usize,
    against: Against<'a, 'static>,
    bound: &'a mut [f32],
    seen: &'a mut [u32],
    closed: &'a mut [bool],
    seed: u64,
}

impl Pass<'_> {
    fn open(&self) -> Vec<Entry> {
        let known = self.bound.iter().zip(&*self.seen).zip(&*self.closed);
        let open = known
            .enumerate()
            .filter(|(_, ((bound, _), closed))| !**closed && **bound >= self.against.enough);
        open.map(|(row, ((&bound, &seen), _))| Entry::new(self.first + row, bound, seen))
            .collect()
    }

    /// Note what was found out; whether the row leaves the rows that are not closed.
    fn close(&mut self, entry: &mut Entry) -> bool {
        let row = entry.place - self.first;
        if let Some((bound, seen)) = entry.kept.take() {
            (self.bound[row], self.seen[row]) = (bound, seen);
        }
        let own = self.against.own.rows();
        if entry.bound < self.against.enough && entry.seen as usize <= own {
            return false;
        }
        entry.tie = keyed_hash(self.chunk.of.id_hash[self.chunk.start + row], self.seed);
        self.closed[row] = true;
        true
    }
}

struct Task<'a, 's> {
    pass: Pass<'a>,
    scratch: &'s mut Scratch,
}

impl Kernel for Task<'_, '_> {
    type Output = Result<Vec<Entry>>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let mut pass = self.pass;
        let mut entries = pass.open();
        pass.against.bring(s, &mut entries, self.scratch)?;
        entries.retain_mut(|entry| pass.close(entry));
        Ok(entries)
    }
}
