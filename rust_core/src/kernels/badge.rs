//! Diverse gradients by k-means++: Ash et al., "Deep Batch Active Learning by Diverse, Uncertain
//! Gradient Lower Bounds" (BADGE), ICLR 2020, over the whole pool.
//!
//! Draws are an exponential race (Efraimidis and Spirakis 2006): every row draws a waiting time from
//! its id's hash and the step, and the first to arrive is picked. So a draw depends neither on the
//! order of the rows nor on how they are cut.

use super::aligned::Aligned;
use super::block::{Block, chunks};
use super::error::same_length;
use super::gradient_gaps::Update;
use super::gradients::{CLOSED, Centre, Part, Prepare};
use super::hash::keyed_hash;
use super::head::Head;
use super::simd::math::ln_1p;
use super::simd::{Kernel, Simd};
use super::top_k::{Candidate, Ranked, clamp_k};
use super::vectors::{TILE_ROWS, Vectors};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;
use std::cmp::Ordering;

/// How a pick is chosen.
#[derive(Debug, Clone, Copy)]
enum Draw {
    /// The largest squared norm, of equals the smallest keyed hash.
    Longest,
    /// By chance, in proportion to the squared distance; the key of this step.
    Race(u64),
}

/// The winner among a part's open rows. Rows at distance 0 come last, by keyed hash.
struct Winner<'a, 'p> {
    part: &'a Part<'p>,
    draw: Draw,
    seed: u64,
}

impl Kernel for Winner<'_, '_> {
    type Output = Option<Candidate>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let part = self.part;
        let mut best: Option<Candidate> = None;
        let mut scores = [0.0; TILE_ROWS];
        for (index, nearest) in part.nearest.chunks_exact(TILE_ROWS).enumerate() {
            let at = index * TILE_ROWS;
            if nearest.iter().all(|&d| d < 0.0) {
                continue;
            }
            let first = part.chunk.start + at;
            let end = part.nearest.len().min(part.chunk.len);
            let hashes = &part.chunk.of.id_hash[first..part.chunk.start + end.min(at + TILE_ROWS)];
            match self.draw {
                Draw::Longest => scores.copy_from_slice(&part.norms[at..at + TILE_ROWS]),
                Draw::Race(key) => arrivals(s, hashes, key, nearest, &mut scores),
            }
            for (row, &hash) in hashes.iter().enumerate() {
                let score = scores[row];
                if nearest[row] < 0.0 || best.is_some_and(|best| score < best.score) {
                    continue;
                }
                let candidate = Candidate {
                    score,
                    tie: keyed_hash(hash, self.seed),
                    block: part.chunk.block,
                    row: first + row,
                };
                best = better(best, Some(candidate));
            }
        }
        best
    }
}

/// Minus the waiting times: exponential variables over the rates.
#[inline(always)]
fn arrivals<S: Simd>(s: S, hashes: &[u64], key: u64, rates: &[f32], out: &mut [f32; TILE_ROWS]) {
    let mut odds = [0.0; TILE_ROWS];
    for (odds, &hash) in odds.iter_mut().zip(hashes) {
        // 2^-64 of the hash, in [0, 1): its exponential variable is -ln(1 - u) = ln(1 + u / (1 - u)).
        let u = (keyed_hash(hash, key) as f32 * 5.421_011e-20).min(0.999_999_94);
        *odds = u / (1.0 - u);
    }
    for lane in (0..TILE_ROWS).step_by(S::LANES) {
        let span = lane..lane + S::LANES;
        let (odds, rates, out) = (&odds[span.clone()], &rates[span.clone()], &mut out[span]);
        // SAFETY: all three slices have exactly `LANES` floats.
        unsafe {
            let rate = s.load(rates.as_ptr());
            let wait = s.div(ln_1p(s, s.load(odds.as_ptr())), rate);
            let (zero, never) = (s.splat(0.0), s.splat(f32::INFINITY));
            let wait = s.select_gt(rate, zero, wait, never);
            s.store(out.as_mut_ptr(), s.sub(zero, wait));
        }
    }
}

fn better(a: Option<Candidate>, b: Option<Candidate>) -> Option<Candidate> {
    match (a, b) {
        (Some(a), Some(b)) if b.best_first(&a) == Ordering::Less => Some(b),
        (None, b) => b,
        (a, _) => a,
    }
}

/// What `badge` starts from.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Rows (m, d) that count as chosen.
    pub anchors: Vectors<'a>,
    /// Whether a gradient of zero counts as chosen too.
    pub origin: bool,
}

struct Badge<'a, 'b> {
    engine: &'a Engine,
    parts: Vec<Part<'b>>,
    seed: u64,
    cancel: &'a Cancel,
}

impl<'b> Badge<'_, 'b> {
    fn prepare(&mut self, head: &Head, origin: bool) -> Result<()> {
        let (level, cancel) = (self.engine.level(), self.cancel);
        self.parts
            .par_iter_mut()
            .try_for_each_init(Aligned::default, |scratch, part| {
                level.run(Prepare {
                    part,
                    head,
                    origin,
                    scratch,
                    cancel,
                })
            })
    }

    fn step(&mut self, centres: &[Centre], draw: Draw) -> Result<Option<Candidate>> {
        let (level, cancel, seed) = (self.engine.level(), self.cancel, self.seed);
        self.parts
            .par_iter_mut()
            .map_init(Aligned::default, |scratch, part| {
                cancel.check()?;
                level.run(Update {
                    part: &mut *part,
                    centres,
                    scratch,
                    cancel,
                })?;
                Ok(level.run(Winner { part, draw, seed }))
            })
            .try_reduce(|| None, |a, b| Ok(better(a, b)))
    }

    /// The part and the row in it of a pick.
    fn place(&self, pick: &Candidate) -> (usize, usize) {
        let place = (pick.block, pick.row);
        let starts_before = |part: &Part<'b>| (part.chunk.block, part.chunk.start) <= place;
        let part = self.parts.partition_point(starts_before).saturating_sub(1);
        (part, pick.row - self.parts[part].chunk.start)
    }

    /// Take a pick out of the race; its squared distance and itself as a centre.
    fn close(&mut self, pick: &Candidate) -> (f32, Centre) {
        let (part, row) = self.place(pick);
        let part = &mut self.parts[part];
        let squared = std::mem::replace(&mut part.nearest[row], CLOSED);
        let centre = part.centre(row);
        let first = squared.is_infinite();
        (if first { centre.norm } else { squared }, centre)
    }
}

impl Engine {
    /// `k` rows drawn one by one in proportion to the squared distance of their gradients from
    /// those of the anchors and of the picks before; fewer only if fewer may be chosen. With
    /// neither anchors nor origin the first pick has the longest gradient. The score is the squared
    /// distance at the time of picking, for that first pick the squared norm.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if dimensions differ; [`Error::NotFinite`] if an anchor is not finite;
    /// [`Error::Memory`]; [`Error::Cancelled`].
    pub fn badge(
        &self,
        blocks: &[Block<'_>],
        head: &Head,
        start: Start<'_>,
        k: usize,
        seed: u64,
        cancel: &Cancel,
    ) -> Result<Ranked> {
        for block in blocks {
            same_length("dimension of a block", head.dim(), block.vectors.dim())?;
        }
        same_length("dimension of the anchors", head.dim(), start.anchors.dim())?;
        if let Some(position) = start.anchors.first_nonfinite(self.level()) {
            let what = "anchors (row)";
            return Err(Error::NotFinite { what, position });
        }
        let (k, mut ranked) = (clamp_k(k, blocks), Ranked::default());
        if k == 0 {
            return Ok(ranked);
        }
        self.install(|| {
            let mut centres = self.anchors(head, &start.anchors, cancel)?;
            let first = !start.origin && centres.is_empty();
            let parts = chunks(blocks, head.classes()).into_iter();
            let parts = parts.map(|chunk| Part::new(chunk, head.classes()));
            let mut badge = Badge {
                engine: self,
                parts: parts.collect::<Result<_>>()?,
                seed,
                cancel,
            };
            badge.prepare(head, start.origin)?;
            while ranked.row.len() < k {
                let draw = match ranked.row.len() {
                    0 if first => Draw::Longest,
                    step => Draw::Race(keyed_hash(step as u64, seed)),
                };
                let Some(pick) = badge.step(&centres, draw)? else {
                    break;
                };
                let (squared, centre) = badge.close(&pick);
                ranked.push(&pick, squared);
                centres = vec![centre];
            }
            Ok(ranked)
        })
    }

    /// The anchors as centres.
    fn anchors(&self, head: &Head, anchors: &Vectors<'_>, cancel: &Cancel) -> Result<Vec<Centre>> {
        let hashes = vec![0; anchors.rows()];
        let open = vec![0; anchors.rows().div_ceil(8)];
        let block = [Block::new(*anchors, &hashes, &open)?];
        let mut centres = Vec::new();
        for chunk in chunks(&block, head.classes()) {
            let mut part = Part::new(chunk, head.classes())?;
            self.level().run(Prepare {
                part: &mut part,
                head,
                origin: false,
                scratch: &mut Aligned::default(),
                cancel,
            })?;
            centres.extend((0..chunk.len).map(|row| part.centre(row)));
        }
        Ok(centres)
    }
}
