//! What coverage keeps of the similarities of candidates and rows, where there is room.

use super::coverage_balls::Balls;
use super::coverage_pass::Ground;
use super::coverage_table::Table;
use super::simd::Level;
use super::similarity::{Normed, Similarity};
use super::{Cancel, Result};

/// When to keep similarities, and how many of them follow from the rest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Within {
    /// Numbers of 32 bits at most.
    pub(crate) largest: usize,
    /// The candidates are the first of the rows: each pair of these need be looked at only once.
    pub(crate) shared: bool,
}

/// Vectors to compare: the candidates, and the rows of a [`Ground`].
#[derive(Clone, Copy)]
pub(crate) struct Sides<'a> {
    pub(crate) candidates: &'a Normed<'a>,
    pub(crate) rows: &'a Normed<'a>,
}

/// All similarities: numbers or, of balls, bits.
pub(crate) enum Kept {
    Table(Table),
    Balls(Balls),
}

impl Kept {
    /// None if they would be too many, or if there is no memory for them now.
    pub(crate) fn new(
        level: Level,
        sides: Sides<'_>,
        ground: &Ground,
        within: Within,
        cancel: &Cancel,
    ) -> Result<Option<Self>> {
        // Were something covered by less than nothing, to be outside of a ball would add to it.
        let plain = ground.covered.iter().all(|&covered| covered >= 0.0);
        Ok(match ground.similarity {
            Similarity::Ball { squared } if plain => {
                Balls::new(level, sides, ground, squared, within, cancel)?.map(Self::Balls)
            }
            _ => Table::new(level, sides.candidates, ground, within, cancel)?.map(Self::Table),
        })
    }

    /// What these candidates add now, summed in the order of `Visit`.
    pub(crate) fn gains(&self, level: Level, ground: &Ground, candidates: &[usize]) -> Vec<f64> {
        match self {
            Self::Table(table) => table.gains(level, ground, candidates),
            Self::Balls(balls) => balls.gains(candidates),
        }
    }

    /// Note that a candidate is picked.
    pub(crate) fn pick(&mut self, candidate: usize, ground: &mut Ground) {
        match self {
            Self::Table(table) => table.cover(candidate, &mut ground.covered),
            Self::Balls(balls) => balls.cover(candidate),
        }
    }
}
