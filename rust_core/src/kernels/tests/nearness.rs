//! Farthest-first selection in rounds: what is kept between them changes nothing.

use super::*;
use crate::kernels::hash::{keyed_hash, mix};

/// Whole numbers, so that every distance is exact on every path, and ties are common.
struct Grid {
    rows: Vec<f32>,
    hash: Vec<u64>,
    dim: usize,
}

impl Grid {
    fn new(count: usize, dim: usize, span: u64, seed: u64) -> Self {
        let value = |at: usize| (mix(seed ^ mix(at as u64)) % span) as f32;
        Self {
            rows: (0..count * dim).map(value).collect(),
            hash: (0..count as u64).map(|row| mix(row) % 1000).collect(),
            dim,
        }
    }

    fn part(&self, start: usize, end: usize) -> Vectors<'_> {
        let values = Values::F32(&self.rows[start * self.dim..end * self.dim]);
        Vectors::new(values, end - start, self.dim).unwrap()
    }

    fn picked(&self, rows: &[usize]) -> Vec<f32> {
        let of = |&row: &usize| &self.rows[row * self.dim..(row + 1) * self.dim];
        rows.iter().flat_map(of).copied().collect()
    }

    /// The definition: a pass over all rows per pick.
    fn naive(&self, centres: &[usize], closed: &[bool], k: usize, seed: u64) -> Vec<(usize, f32)> {
        let row = |row: usize| &self.rows[row * self.dim..(row + 1) * self.dim];
        let gap = |a: usize, b: usize| {
            let gaps = row(a).iter().zip(row(b)).map(|(a, b)| (a - b) * (a - b));
            gaps.sum::<f32>()
        };
        let mut near = vec![f32::INFINITY; closed.len()];
        let mut closed = closed.to_vec();
        let mut picks = Vec::new();
        let mut new = centres.to_vec();
        while picks.len() < k {
            for (at, near) in near.iter_mut().enumerate() {
                *near = new.iter().map(|&c| gap(at, c)).fold(*near, f32::min);
            }
            let open = (0..near.len()).filter(|&row| !closed[row]);
            let far = |&row: &usize| (near[row].to_bits(), !keyed_hash(self.hash[row], seed), !row);
            let Some(pick) = open.max_by_key(far) else {
                break;
            };
            let score = if near[pick].is_finite() {
                near[pick].sqrt()
            } else {
                0.0
            };
            picks.push((pick, score));
            closed[pick] = true;
            new = vec![pick];
        }
        picks
    }
}

fn bits(closed: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| (0..bits.len()).map(|i| u8::from(bits[i]) << i).sum();
    closed.chunks(8).map(byte).collect()
}

/// Rounds over one pool in two blocks: some labels, some leases, a batch, and again.
fn rounds(grid: &Grid, engine: &Engine, cut: usize, per_round: usize, k: usize) {
    let count = grid.hash.len();
    let mut state = Nearness::new(grid.dim);
    let mut labelled: Vec<usize> = Vec::new();
    for round in 0..4 {
        let new: Vec<usize> = (0..per_round)
            .map(|i| (round * 97 + i * 13) % count)
            .collect();
        let leased: Vec<usize> = (0..round).map(|i| (round * 31 + i) % count).collect();
        let values = grid.picked(&new);
        let new_vectors = Vectors::new(Values::F32(&values), new.len(), grid.dim).unwrap();
        state.advance(&new_vectors).unwrap();
        labelled.extend(&new);
        let all: Vec<usize> = labelled.iter().chain(&leased).copied().collect();
        let closed: Vec<bool> = (0..count)
            .map(|row| all.contains(&row) || (row + round) % 7 == 0)
            .collect();
        let (a, b) = (bits(&closed[..cut]), bits(&closed[cut..]));
        let blocks = [
            Block::new(grid.part(0, cut), &grid.hash[..cut], &a).unwrap(),
            Block::new(grid.part(cut, count), &grid.hash[cut..], &b).unwrap(),
        ];
        let leased = grid.picked(&leased);
        let anchors = Vectors::new(Values::F32(&leased), leased.len() / grid.dim, grid.dim);
        let (anchors, seed) = (anchors.unwrap(), round as u64);
        let never = Cancel::default();
        let got = engine.k_center(&blocks, &anchors, k, seed, Some(&mut state), &never);
        let got = got.unwrap();
        let want = grid.naive(&all, &closed, k, seed);
        let place = |(&block, &row): (&i64, &i64)| block as usize * cut + row as usize;
        let places: Vec<usize> = got.block.iter().zip(&got.row).map(place).collect();
        let rows: Vec<usize> = want.iter().map(|&(row, _)| row).collect();
        assert_eq!(places, rows);
        let scores: Vec<f32> = want.iter().map(|&(_, score)| score).collect();
        assert_eq!(got.score, scores);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rounds_with_a_state_pick_what_the_definition_picks(
        count in 1_usize..90, dim in 1_usize..20, span in 1_u64..9, seed: u64,
        cut: usize, per_round in 0_usize..6, k in 0_usize..40,
    ) {
        let grid = Grid::new(count, dim, span, seed);
        for engine in engines() {
            rounds(&grid, &engine, cut % (count + 1), per_round, k);
        }
    }
}

#[test]
fn thousands_of_rows_come_into_the_heap_in_stages() {
    // More rows than the heap starts with, more centres than the first pass or one stride has.
    for span in [2, 40] {
        let grid = Grid::new(12_000, 5, span, 3);
        for threads in [1, 3] {
            let engine = Engine::new(threads, Level::detect()).unwrap();
            rounds(&grid, &engine, 5_000, 90, 25);
        }
    }
}

#[test]
fn a_state_is_for_one_pool() {
    let grid = Grid::new(20, 3, 5, 0);
    let engine = Engine::new(1, Level::detect()).unwrap();
    let zeros = [0; 3];
    let block = |start: usize, end: usize| {
        let bits = &zeros[..(end - start).div_ceil(8)];
        Block::new(grid.part(start, end), &grid.hash[start..end], bits).unwrap()
    };
    let mut state = Nearness::new(3);
    assert!(state.advance(&Grid::new(2, 4, 5, 0).part(0, 2)).is_err());
    state.advance(&grid.part(0, 2)).unwrap();
    let (none, never) = (grid.part(0, 0), Cancel::default());
    let mut pick = |blocks: &[Block<'_>]| {
        let got = engine.k_center(blocks, &none, 2, 0, Some(&mut state), &never);
        got.map(|ranked| ranked.row.len())
    };
    assert_eq!(pick(&[block(0, 20)]), Ok(2));
    assert!(pick(&[block(0, 19)]).is_err());
    assert!(pick(&[block(0, 10), block(10, 20)]).is_err());
    assert_eq!(pick(&[block(0, 20)]), Ok(2));
}

#[test]
fn a_pass_that_was_cancelled_leaves_a_state_that_is_true() {
    let grid = Grid::new(500, 3, 9, 0);
    let engine = Engine::new(2, Level::detect()).unwrap();
    let bits = [0; 63];
    let blocks = [Block::new(grid.part(0, 500), &grid.hash, &bits).unwrap()];
    let mut state = Nearness::new(3);
    state.advance(&grid.part(0, 200)).unwrap();
    let (stop, never, none) = (Cancel::default(), Cancel::default(), grid.part(0, 0));
    stop.cancel();
    let cancelled = engine.k_center(&blocks, &none, 5, 0, Some(&mut state), &stop);
    assert_eq!(cancelled, Err(Error::Cancelled));
    let kept = engine.k_center(&blocks, &none, 5, 0, Some(&mut state), &never);
    let fresh = engine.k_center(&blocks, &grid.part(0, 200), 5, 0, None, &never);
    assert_eq!(kept, fresh);
}
