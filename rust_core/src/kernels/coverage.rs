//! Greedy coverage: a weighted sum over rows of the similarity to the nearest pick. Facility
//! location (Nemhauser, Wolsey and Fisher 1978), and as ways to choose a batch `MaxHerding`
//! (Bae et al., ECCV 2024), uncertainty herding (Bae, Oliveira and Sutherland, ICLR 2025) and,
//! with balls, `ProbCover` (Yehuda et al., `NeurIPS` 2022).
//!
//! The first gains are one pass over all pairs; later only candidates that may be the best are
//! looked at. The similarities are kept up to a limit, those of balls as bits. Beyond it they are worked out
//! again, and of the columns of those looked at only what exceeds the cover of its row is kept,
//! which becomes less with every pick. Both ways give the same numbers, to the last bit.

use super::coverage_kept::{Kept, Sides, Within};
use super::coverage_pass::{Column, Ground, ROWS, Scratch, Visit};
use super::error::same_length;
use super::lazy::{Coverage, Picks, choose};
use super::panel::{ABREAST, PANEL_ROWS};
use super::room::LARGEST;
use super::similarity::{Compared, Group, Normed, Similarity};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;

/// Bytes of packed candidates per thread: they stay in the second-level cache.
const GROUP_BYTES: usize = 384 << 10;
/// Similarities to keep, of five bytes each.
const KEPT: usize = 64_000_000;

/// What is to be covered: vectors (n, d), how much each counts, and how well it is covered yet.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Row after row.
    pub values: &'a [f32],
    /// Not negative.
    pub weights: &'a [f32],
    /// The similarity to whatever was chosen before.
    pub covered: &'a [f32],
}

/// What `Engine::herd` is asked.
pub(crate) struct Task<'a> {
    pub(crate) candidates: &'a [f32],
    pub(crate) rows: Rows<'a>,
    pub(crate) dim: usize,
    pub(crate) similarity: Similarity,
    pub(crate) k: usize,
}

pub(crate) fn check_rows(weights: &[f32], covered: &[f32]) -> Result<()> {
    same_length("covered", weights.len(), covered.len())?;
    for (what, values) in [("weights", weights), ("covered", covered)] {
        if let Some(position) = values.iter().position(|x| !x.is_finite()) {
            return Err(Error::NotFinite { what, position });
        }
    }
    match weights.iter().position(|&weight| weight < 0.0) {
        Some(position) => Err(Error::OutOfRange {
            what: "weights",
            position,
        }),
        None => Ok(()),
    }
}

/// Dense coverage.
struct Herd<'a> {
    engine: &'a Engine,
    candidates: Normed<'a>,
    ground: Ground,
    similarities: Option<Kept>,
    columns: Vec<Option<Column>>,
    /// Similarities in all columns, or a few more.
    kept: usize,
    cancel: &'a Cancel,
}

impl Herd<'_> {
    /// Pass over all rows with these candidates, as many at a time as fit the cache.
    fn pass(&mut self, candidates: &[usize], keep: bool) -> Result<Vec<f64>> {
        let share = candidates.len().div_ceil(self.engine.threads());
        let fit = GROUP_BYTES / (4 * self.candidates.dim());
        let size = share
            .clamp(1, fit.clamp(ABREAST, 240))
            .next_multiple_of(ABREAST);
        let mut gains = Vec::with_capacity(candidates.len());
        // A few groups at a time, so that columns that find no room do not pile up.
        for some in candidates.chunks(size * 2 * self.engine.threads()) {
            let keep = keep && self.kept < KEPT;
            let groups = some.par_chunks(size);
            let seen = groups
                .map_init(Scratch::default, |scratch, group| {
                    self.visit(group, keep, scratch)
                })
                .collect::<Result<Vec<_>>>()?;
            let columns = seen.into_iter().flat_map(|(totals, columns)| {
                gains.extend(totals);
                columns
            });
            for (&candidate, column) in some.iter().zip(columns) {
                if self.kept + column.len() <= KEPT {
                    self.kept += column.len();
                    self.columns[candidate] = Some(column);
                }
            }
        }
        Ok(gains)
    }

    fn visit(
        &self,
        group: &[usize],
        keep: bool,
        scratch: &mut Scratch,
    ) -> Result<(Vec<f64>, Vec<Column>)> {
        let mut totals = vec![0.0; group.len()];
        let mut columns = Vec::new();
        columns.resize_with(if keep { group.len() } else { 0 }, Column::default);
        let group = Group::new(&self.candidates, group);
        let rows = self.ground.weights.len();
        for start in (0..rows).step_by(ROWS) {
            self.cancel.check()?;
            self.engine.level().run(Visit {
                ground: &self.ground,
                group: &group,
                start,
                end: rows.min(start + ROWS),
                scratch,
                totals: &mut totals,
                columns: &mut columns,
            });
        }
        columns.iter_mut().for_each(Column::shrink);
        Ok((totals, columns))
    }

    /// Gains by columns that were kept.
    fn recall(&mut self, candidates: &[usize]) -> Vec<f64> {
        let take = |&candidate: &usize| self.columns[candidate].take().unwrap_or_default();
        let mut columns: Vec<Column> = candidates.iter().map(take).collect();
        self.kept -= columns.iter().map(Column::len).sum::<usize>();
        let ground = &self.ground;
        let gains = columns.par_iter_mut().map(|column| column.gain(ground));
        let gains = gains.collect();
        for (&candidate, column) in candidates.iter().zip(columns) {
            self.kept += column.len();
            self.columns[candidate] = Some(column);
        }
        gains
    }
}

impl Coverage for Herd<'_> {
    fn first_gains(&mut self) -> Result<Vec<f64>> {
        let count = self.candidates.rows();
        let all: Vec<usize> = (0..count).collect();
        if let Some(kept) = &self.similarities {
            return Ok(kept.gains(self.engine.level(), &self.ground, &all));
        }
        self.pass(
            &all,
            count.saturating_mul(self.ground.weights.len()) <= KEPT,
        )
    }

    fn gains(&mut self, candidates: &[usize]) -> Result<Vec<f64>> {
        if let Some(kept) = &self.similarities {
            self.cancel.check()?;
            return Ok(kept.gains(self.engine.level(), &self.ground, candidates));
        }
        let is_known = |candidate: &usize| self.columns[*candidate].is_some();
        let (known, missing): (Vec<usize>, Vec<usize>) =
            candidates.iter().partition(|c| is_known(c));
        let (mut old, mut new) = (
            self.recall(&known).into_iter(),
            self.pass(&missing, true)?.into_iter(),
        );
        let mut gains = Vec::with_capacity(candidates.len());
        let mut known = known.into_iter().peekable();
        for &candidate in candidates {
            let from = if known.next_if_eq(&candidate).is_some() {
                &mut old
            } else {
                &mut new
            };
            gains.extend(from.next());
        }
        Ok(gains)
    }

    fn pick(&mut self, candidate: usize) -> Result<()> {
        if let Some(kept) = &mut self.similarities {
            kept.pick(candidate, &mut self.ground);
            return Ok(());
        }
        let column = match self.columns[candidate].take() {
            Some(column) => {
                self.kept -= column.len();
                Some(column)
            }
            None => self
                .visit(&[candidate], true, &mut Scratch::default())?
                .1
                .pop(),
        };
        if let Some(column) = column {
            column.cover(&mut self.ground.covered);
        }
        Ok(())
    }
}

impl Engine {
    /// Up to `k` of the candidates (m, d), each the one that adds most to
    /// `sum_i weight_i max(covered_i, max_picks similarity)`, the first of equals; fewer once
    /// nothing adds anything.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if lengths disagree or `dim` is 0; [`Error::NotFinite`];
    /// [`Error::OutOfRange`] for a negative weight; [`Error::Cancelled`].
    pub fn herd(
        &self,
        candidates: &[f32],
        rows: Rows<'_>,
        dim: usize,
        similarity: Similarity,
        k: usize,
        cancel: &Cancel,
    ) -> Result<Picks> {
        let task = Task {
            candidates,
            rows,
            dim,
            similarity,
            k,
        };
        self.herd_within(&task, LARGEST, cancel)
    }

    /// As [`Engine::herd`], with a table of at most so many similarities.
    pub(crate) fn herd_within(
        &self,
        task: &Task<'_>,
        largest: usize,
        cancel: &Cancel,
    ) -> Result<Picks> {
        let (dim, rows) = (task.dim, task.rows);
        check_rows(rows.weights, rows.covered)?;
        let (count, n) = (task.candidates.len() / dim.max(1), rows.weights.len());
        let padded = |values: &[f32]| {
            let mut values = values.to_vec();
            values.resize(n.next_multiple_of(PANEL_ROWS), 0.0);
            values
        };
        let mut columns = Vec::new();
        columns.resize_with(count, || None);
        let shared = rows.values.get(..task.candidates.len()) == Some(task.candidates);
        let normed =
            |what, values, rows: usize| Normed::new(self, what, values, (rows, dim), cancel);
        let candidates = normed("candidates", task.candidates, count)?;
        let all = if shared && count == n {
            None
        } else {
            Some(normed("rows", rows.values, n)?)
        };
        self.install(|| {
            let sides = Sides {
                candidates: &candidates,
                rows: all.as_ref().unwrap_or(&candidates),
            };
            let ground = Ground {
                rows: Compared::new(sides.rows, cancel)?,
                weights: padded(rows.weights),
                covered: padded(rows.covered),
                similarity: task.similarity,
            };
            let within = Within { largest, shared };
            let similarities = Kept::new(self.level(), sides, &ground, within, cancel)?;
            let mut herd = Herd {
                engine: self,
                similarities,
                candidates,
                ground,
                columns,
                kept: 0,
                cancel,
            };
            choose(&mut herd, task.k)
        })
    }
}
