//! Oracles in double precision, generated pools, and the laws that hold on every path.

mod badge;
mod coverage;
mod design;
mod ids;
mod k_center;
mod nearest;
mod nearness;
mod room;
mod score;
mod similarity;
mod sketch;
mod top_k;
mod vectors;
mod within;

use super::*;
use proptest::prelude::*;

/// A pool as its owner would hold it.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    pub(super) dim: usize,
    pub(super) rows: Vec<f32>,
    pub(super) halves: Vec<u16>,
    pub(super) format: Format,
    pub(super) hash: Vec<u64>,
    pub(super) closed: Vec<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    F32,
    F16,
    Bf16,
}

impl Pool {
    pub(super) fn len(&self) -> usize {
        self.hash.len()
    }

    /// What the kernels see, after rounding to the format.
    pub(super) fn row(&self, row: usize) -> Vec<f64> {
        let span = row * self.dim..(row + 1) * self.dim;
        let wide = |f: fn(u16) -> f32| self.halves[span.clone()].iter().map(|&h| f(h)).collect();
        let values: Vec<f32> = match self.format {
            Format::F32 => self.rows[span].to_vec(),
            Format::F16 => wide(f16_to_f32),
            Format::Bf16 => wide(bf16_to_f32),
        };
        values.into_iter().map(f64::from).collect()
    }

    pub(super) fn vectors(&self, start: usize, end: usize) -> Vectors<'_> {
        let span = start * self.dim..end * self.dim;
        let values = match self.format {
            Format::F32 => Values::F32(&self.rows[span]),
            Format::F16 => Values::F16(&self.halves[span]),
            Format::Bf16 => Values::Bf16(&self.halves[span]),
        };
        Vectors::new(values, end - start, self.dim).unwrap()
    }

    /// Packed bits of `closed` per block.
    pub(super) fn bits(&self, cuts: &[usize]) -> Vec<Vec<u8>> {
        let pack = |rows: &[bool]| {
            let byte = |bits: &[bool]| (0..bits.len()).map(|i| u8::from(bits[i]) << i).sum();
            rows.chunks(8).map(byte).collect()
        };
        self.spans(cuts)
            .into_iter()
            .map(|(a, b)| pack(&self.closed[a..b]))
            .collect()
    }

    pub(super) fn spans(&self, cuts: &[usize]) -> Vec<(usize, usize)> {
        let mut edges: Vec<usize> = cuts.iter().map(|cut| cut % (self.len() + 1)).collect();
        edges.extend([0, self.len()]);
        edges.sort_unstable();
        edges.windows(2).map(|edge| (edge[0], edge[1])).collect()
    }

    pub(super) fn blocks<'a>(&'a self, cuts: &[usize], bits: &'a [Vec<u8>]) -> Vec<Block<'a>> {
        let spans = self.spans(cuts);
        spans
            .iter()
            .zip(bits)
            .map(|(&(a, b), bits)| Block::new(self.vectors(a, b), &self.hash[a..b], bits).unwrap())
            .collect()
    }

    /// Positions in the whole pool.
    pub(super) fn places(&self, cuts: &[usize], ranked: &Ranked) -> Vec<usize> {
        let spans = self.spans(cuts);
        let place = |(&block, &row): (&i64, &i64)| spans[block as usize].0 + row as usize;
        ranked.block.iter().zip(&ranked.row).map(place).collect()
    }

    pub(super) fn available(&self) -> usize {
        self.closed.iter().filter(|&&closed| !closed).count()
    }
}

/// Every level with one and with three threads.
pub(super) fn engines() -> Vec<Engine> {
    let levels = Level::all().into_iter();
    levels
        .flat_map(|level| [1, 3].map(|threads| Engine::new(threads, level).unwrap()))
        .collect()
}

fn numbers(len: usize) -> impl Strategy<Value = Vec<f32>> {
    // Few distinct values, so that ties and duplicates are common.
    let value = prop_oneof![
        3 => (-4_i8..=4).prop_map(|x| f32::from(x) / 2.0),
        1 => -2.0_f32..2.0,
    ];
    prop::collection::vec(value, len)
}

pub(super) fn pools() -> impl Strategy<Value = Pool> {
    let format = prop_oneof![Just(Format::F32), Just(Format::F16), Just(Format::Bf16)];
    let dim = prop_oneof![Just(16), Just(32), 1_usize..40];
    (0_usize..70, dim, format)
        .prop_flat_map(|(n, dim, format)| {
            let hash = prop::collection::vec(prop_oneof![0_u64..4, any::<u64>()], n);
            let closed = prop::collection::vec(prop::bool::weighted(0.3), n);
            (numbers(n * dim), hash, closed, Just(dim), Just(format))
        })
        .prop_map(|(rows, hash, closed, dim, format)| {
            let narrow = |x: &f32| match format {
                Format::Bf16 => f32_to_bf16(*x),
                _ => ::half::f16::from_f32(*x).to_bits(),
            };
            Pool {
                dim,
                halves: rows.iter().map(narrow).collect(),
                rows,
                format,
                hash,
                closed,
            }
        })
}

pub(super) fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(any::<usize>(), 0..4)
}

/// A pool with a head of 1 to 20 classes.
pub(super) fn pools_with_heads() -> impl Strategy<Value = (Pool, Vec<f32>, Vec<f32>)> {
    (pools(), 1_usize..20).prop_flat_map(|(pool, classes)| {
        let weights = numbers(classes * pool.dim);
        (Just(pool), weights, numbers(classes))
    })
}
