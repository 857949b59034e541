//! How near the nearest rows of the same group are, exactly, for many groups at once.

use super::aligned::{Aligned, padded};
use super::error::{same_length, zeros};
use super::nearest::Scratch;
use super::product::{Packed, squared, tile_norms};
use super::simd::{Kernel, Simd};
use super::vectors::{TILE_ROWS, Values, Vectors};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;

/// Halvings of the range of bounds in the search for those that come first.
const HALVINGS: usize = 10;
/// How far above its lower bound a distance usually lies, and more.
const ABOVE: f32 = 1.001;

/// Groups of rows, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Groups<'a> {
    /// Which rows.
    pub members: &'a [i64],
    /// How many of them are in each group.
    pub sizes: &'a [i64],
}

impl<'a> Groups<'a> {
    /// The members of each group.
    fn split(&self, rows: usize) -> Result<Vec<&'a [i64]>> {
        let outside = |&member: &i64| !usize::try_from(member).is_ok_and(|member| member < rows);
        if let Some(position) = self.members.iter().position(outside) {
            let what = "members";
            return Err(Error::OutOfRange { what, position });
        }
        if let Some(position) = self.sizes.iter().position(|&size| size < 0) {
            let what = "sizes";
            return Err(Error::OutOfRange { what, position });
        }
        let total = self
            .sizes
            .iter()
            .fold(0, |sum: i64, &size| sum.saturating_add(size));
        same_length("members of the groups", total as usize, self.members.len())?;
        let mut rest = self.members;
        let groups = self.sizes.iter().map(|&size| {
            let (group, others) = rest.split_at(size as usize);
            rest = others;
            group
        });
        Ok(groups.collect())
    }
}

/// The rows of a tile among those of their group.
struct Task<'a, 'p> {
    rows: &'a Vectors<'a>,
    packed: &'a Packed<'p>,
    start: usize,
    k: usize,
    squared: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl Kernel for Task<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Scratch { tile, lower } = self.scratch;
        let bounds = &mut lower.as_mut_slice()[..self.packed.rows() * TILE_ROWS];
        let count = self.squared.len() / self.k;
        let tile = self.rows.tile(s, self.start, count, tile);
        let norms = tile_norms(s, &tile);
        for span in self.packed.blocks() {
            let part = span.start * TILE_ROWS..span.end * TILE_ROWS;
            self.packed.lower(s, &tile, &norms, span, &mut bounds[part]);
        }
        for row in 0..count {
            // No row is its own neighbour.
            bounds[(self.start + row) * TILE_ROWS + row] = f32::INFINITY;
        }
        let limits = at_least_within(bounds, self.k);
        let mut gaps = Vec::new();
        for (row, found) in self.squared.chunks_exact_mut(self.k).enumerate() {
            let own = tile.row(row);
            let mut limit = limits[row];
            offer(s, own, self.packed, bounds, row, -1.0..=limit, &mut gaps);
            if gaps.len() >= self.k && gaps[self.k - 1] > limit {
                let (above, most) = (limit.next_up(), gaps[self.k - 1]);
                limit = most;
                offer(s, own, self.packed, bounds, row, above..=limit, &mut gaps);
            }
            let some = gaps.len().min(self.k);
            found[..some].copy_from_slice(&gaps[..some]);
            gaps.clear();
        }
    }
}

/// Add the distances of `own` whose bounds are in `span` to `gaps`, which are sorted then.
#[inline(always)]
fn offer<S: Simd>(
    s: S,
    own: &[f32],
    packed: &Packed<'_>,
    bounds: &[f32],
    row: usize,
    span: std::ops::RangeInclusive<f32>,
    gaps: &mut Vec<f32>,
) {
    for (other, bounds) in bounds.chunks_exact(TILE_ROWS).enumerate() {
        let bound = bounds[row];
        if bound <= *span.end() && bound >= *span.start() {
            gaps.push(squared(s, own, packed.row(other)));
        }
    }
    gaps.sort_unstable_by(f32::total_cmp);
}

/// For each row of a tile a limit that at least `k` of its finite bounds do not exceed, or none
/// of them if there are fewer, and that few others do not exceed either; by bisection.
#[inline(always)]
fn at_least_within(bounds: &[f32], k: usize) -> [f32; TILE_ROWS] {
    let (mut low, mut high) = ([0.0_f32; TILE_ROWS], [0.0_f32; TILE_ROWS]);
    for bounds in bounds.chunks_exact(TILE_ROWS) {
        for row in 0..TILE_ROWS {
            let bound = bounds[row];
            let more = bound > high[row] && bound < f32::INFINITY;
            high[row] = if more { bound } else { high[row] };
        }
    }
    for _ in 0..HALVINGS {
        let mut middle = [0.0; TILE_ROWS];
        for row in 0..TILE_ROWS {
            middle[row] = low[row] + (high[row] - low[row]) * 0.5;
        }
        let mut count = [0_u32; TILE_ROWS];
        for bounds in bounds.chunks_exact(TILE_ROWS) {
            for row in 0..TILE_ROWS {
                count[row] += u32::from(bounds[row] <= middle[row]);
            }
        }
        for row in 0..TILE_ROWS {
            let enough = count[row] as usize >= k;
            high[row] = if enough { middle[row] } else { high[row] };
            low[row] = if enough { low[row] } else { middle[row] };
        }
    }
    high.map(|high| (high * ABOVE).min(f32::MAX))
}

impl Engine {
    /// For each member of each group the squared distances to the `k` nearest others of its
    /// group, ascending; infinity where there are fewer.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] for rows without values or if the sizes do not add up;
    /// [`Error::OutOfRange`] for a member that is no row or a size below 0; [`Error::NotFinite`]
    /// with the row, if it has a value that is not finite; [`Error::Memory`] if there is none
    /// for the result; [`Error::Cancelled`].
    pub fn nearest_within(
        &self,
        vectors: &Vectors<'_>,
        groups: Groups<'_>,
        k: usize,
        cancel: &Cancel,
    ) -> Result<Vec<f32>> {
        let parts = groups.split(vectors.rows())?;
        let mut squared = zeros(groups.members.len().saturating_mul(k))?;
        squared.fill(f32::INFINITY);
        if squared.is_empty() {
            return Ok(squared);
        }
        let mut rest = squared.as_mut_slice();
        let mut jobs = Vec::new();
        for members in parts {
            let (found, others) = std::mem::take(&mut rest).split_at_mut(members.len() * k);
            rest = others;
            jobs.push((members, found));
        }
        let done: Vec<Result<()>> = self.install(|| {
            let jobs = jobs.into_par_iter().with_max_len(1);
            let run = |(members, found)| self.group(vectors, members, k, found, cancel);
            jobs.map(run).collect()
        });
        done.into_iter().collect::<Result<()>>()?;
        Ok(squared)
    }

    fn group(
        &self,
        vectors: &Vectors<'_>,
        members: &[i64],
        k: usize,
        found: &mut [f32],
        cancel: &Cancel,
    ) -> Result<()> {
        let (wide, count) = (padded(vectors.dim()), members.len());
        let mut values = Aligned::zeros(count * wide);
        let values = &mut values.as_mut_slice()[..count * wide];
        for (&row, to) in members.iter().zip(values.chunks_exact_mut(wide.max(1))) {
            vectors.copy_row(row as usize, to);
        }
        let rows = Vectors::new(Values::F32(values), count, wide)?;
        let packed = Packed::new("vectors (row)", &rows, self.level());
        let packed = packed.map_err(|error| of_row(error, members))?;
        let tasks = found.par_chunks_mut(TILE_ROWS * k).enumerate();
        tasks.try_for_each_init(Scratch::default, |scratch, (at, squared)| {
            cancel.check()?;
            scratch.lower.grow(count * TILE_ROWS);
            self.level().run(Task {
                rows: &rows,
                packed: &packed,
                start: at * TILE_ROWS,
                k,
                squared,
                scratch,
            });
            Ok(())
        })
    }
}

/// The same error, of the row rather than of its place in the group.
fn of_row(error: Error, members: &[i64]) -> Error {
    match error {
        Error::NotFinite { what, position } => Error::NotFinite {
            what,
            position: members[position] as usize,
        },
        other => other,
    }
}
