//! Pure functions over borrowed slices. One file per algorithm.
//!
//! Results depend neither on the number of threads, nor on how rows are cut into blocks, nor on
//! a row's place in its block: additions within a row have a fixed order, ties break by keyed
//! hash. Another instruction set may differ in the last digits.
#![expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::inline_always,
    clippy::many_single_char_names,
    reason = "numeric loops over slices that are checked once, folded into one vectorised body"
)]

mod aligned;
mod badge;
mod bait;
mod ball_edges;
mod block;
mod by_bytes;
mod bytes;
mod cancel;
mod coverage;
mod coverage_balls;
mod coverage_kept;
mod coverage_pass;
mod coverage_table;
mod design;
mod engine;
mod error;
mod frontier;
mod gather;
mod gradient_gaps;
mod gradients;
mod half;
mod hash;
mod head;
mod ids;
mod k_center;
mod k_means;
mod lazy;
mod masses;
mod measure;
mod nearest;
mod nearest_update;
mod nearness;
mod neighbours;
mod outer_sum;
mod pages;
mod panel;
mod plus_plus;
mod product;
mod refresh;
mod room;
mod score;
mod sieve;
mod simd;
mod similarity;
mod sketch;
mod square;
mod sum;
#[cfg(test)]
mod tests;
mod top_k;
mod vectors;
mod whitened;
mod within;

pub use badge::Start;
pub use block::Block;
pub use cancel::Cancel;
pub use coverage::Rows;
pub use engine::Engine;
pub use error::{Error, Result};
pub use half::{bf16_to_f32, f16_to_f32, f32_to_bf16};
pub use hash::{hash_ids, keyed_hash};
pub use head::Head;
pub use ids::{Ids, Index, common_ids, find_ids, repeated_ids, sort_hashes};
pub use k_means::KMeans;
pub use lazy::Picks;
pub use measure::Measure;
pub use nearest::Nearest;
pub use nearness::Nearness;
pub use neighbours::Neighbours;
pub use plus_plus::Seeds;
pub use simd::Level;
pub use similarity::Similarity;
pub use top_k::Ranked;
pub use vectors::{Values, Vectors};
pub use within::Groups;
