//! Greedy coverage of rows by candidates whose few similarities are given: a neighbour graph, or
//! the balls of `ProbCover` (Yehuda et al., `NeurIPS` 2022).

use super::coverage::check_rows;
use super::error::same_length;
use super::lazy::{Coverage, Picks, choose};
use super::{Cancel, Engine, Error, Result};
use rayon::prelude::*;

/// Which rows each candidate is similar to, as compressed sparse rows; elsewhere it is 0.
#[derive(Debug, Clone, Copy)]
pub struct Graph<'a> {
    /// Where the entries of each candidate begin, and where the last end.
    pub offsets: &'a [i64],
    /// Row of each entry.
    pub row: &'a [i32],
    /// Similarity of each entry.
    pub similarity: &'a [f32],
}

impl Graph<'_> {
    fn check(&self, rows: usize) -> Result<()> {
        same_length("similarity", self.row.len(), self.similarity.len())?;
        let entries = self.row.len() as i64;
        let ascending = self.offsets.windows(2).position(|pair| pair[0] > pair[1]);
        let ends = [(0, self.offsets.first() == Some(&0))];
        let last = self.offsets.len().saturating_sub(1);
        let wrong = ends
            .into_iter()
            .chain([(last, self.offsets.last() == Some(&entries))]);
        let wrong = wrong.filter(|(_, fits)| !fits).map(|(at, _)| at);
        if let Some(position) = ascending.into_iter().chain(wrong).next() {
            let what = "offsets";
            return Err(Error::OutOfRange { what, position });
        }
        let outside = |&row: &i32| usize::try_from(row).map_or(true, |row| row >= rows);
        if let Some(position) = self.row.iter().position(outside) {
            return Err(Error::OutOfRange {
                what: "row",
                position,
            });
        }
        match self.similarity.iter().position(|x| !x.is_finite()) {
            Some(position) => Err(Error::NotFinite {
                what: "similarity",
                position,
            }),
            None => Ok(()),
        }
    }

    fn entries(&self, candidate: usize) -> impl Iterator<Item = (usize, f32)> {
        let span = self.offsets[candidate] as usize..self.offsets[candidate + 1] as usize;
        let rows = self.row[span.clone()].iter().map(|&row| row as usize);
        rows.zip(self.similarity[span].iter().copied())
    }
}

struct Sparse<'a> {
    graph: Graph<'a>,
    weights: &'a [f32],
    covered: Vec<f32>,
    cancel: &'a Cancel,
}

impl Sparse<'_> {
    fn gain(&self, candidate: usize) -> f64 {
        let more = |(row, similarity): (usize, f32)| {
            let more = f64::from(similarity) - f64::from(self.covered[row]);
            f64::from(self.weights[row]) * more.max(0.0)
        };
        self.graph.entries(candidate).map(more).sum()
    }
}

impl Coverage for Sparse<'_> {
    fn first_gains(&mut self) -> Result<Vec<f64>> {
        let all: Vec<usize> = (0..self.graph.offsets.len() - 1).collect();
        self.gains(&all)
    }

    fn gains(&mut self, candidates: &[usize]) -> Result<Vec<f64>> {
        let groups = candidates.par_chunks(64);
        let gains = groups.map(|group| {
            self.cancel.check()?;
            Ok(group
                .iter()
                .map(|&candidate| self.gain(candidate))
                .collect())
        });
        Ok(gains.collect::<Result<Vec<Vec<f64>>>>()?.concat())
    }

    fn pick(&mut self, candidate: usize) -> Result<()> {
        for (row, similarity) in self.graph.entries(candidate) {
            self.covered[row] = self.covered[row].max(similarity);
        }
        Ok(())
    }
}

impl Engine {
    /// As [`Engine::herd`], with similarities that are given.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] if lengths disagree; [`Error::OutOfRange`] for offsets that do not ascend
    /// from 0 to the number of entries, a row that does not exist, or a negative weight;
    /// [`Error::NotFinite`]; [`Error::Cancelled`].
    pub fn herd_sparse(
        &self,
        graph: Graph<'_>,
        weights: &[f32],
        covered: &[f32],
        k: usize,
        cancel: &Cancel,
    ) -> Result<Picks> {
        check_rows(weights, covered)?;
        graph.check(weights.len())?;
        let mut sparse = Sparse {
            graph,
            weights,
            covered: covered.to_vec(),
            cancel,
        };
        self.install(|| choose(&mut sparse, k))
    }
}
