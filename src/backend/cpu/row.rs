//! The arithmetic of a row, written so that the compiler turns it into the vector instructions of the caller.

use pulp::Arch;

use crate::backend::Sweep;
use crate::calculus::{Lanes, Scalar};

/// Numbers that go through the node function together. As many as this keep the vector units busy: operation by operation over the
/// whole group there is always independent work, where one vector at a time waits for the latency of its own polynomial.
const GROUP: usize = 64;

/// The node values of a row, by the vector instructions that the sweep uses: the part of the sweep that is arithmetic alone.
pub fn map_nodes<T: Scalar, S: Sweep>(values: &[T], nodes: &mut [T]) {
    struct Map<'a, T, S>(&'a [T], &'a mut [T], std::marker::PhantomData<S>);
    impl<T: Scalar, S: Sweep> pulp::NullaryFnOnce for Map<'_, T, S> {
        type Output = ();
        #[inline(always)]
        fn call(self) {
            fill_row::<T, S>(self.0, self.1, [&[], &[]]);
        }
    }
    Arch::new().dispatch(Map::<T, S>(values, nodes, std::marker::PhantomData));
}

/// Asks for memory that the sweep will read soon. The hardware sees too many streams at once to look ahead on its own.
#[inline(always)]
fn prefetch<T>(values: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch is a hint; it reads nothing, and the address is that of a slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// The node values of a row between two ghosts.
#[inline(always)]
pub(super) fn fill_nodes<T: Scalar, S: Sweep>(
    values: &[T],
    ghosts: [T; 2],
    nodes: &mut [T],
    soon: [&[T]; 2],
) {
    let n = values.len();
    [nodes[0], nodes[n + 1]] = S::node(Lanes(ghosts)).0;
    fill_row::<T, S>(values, &mut nodes[1..n + 1], soon);
}

/// The node values of a row. The last group may overlap the one before: the same bits are written twice.
#[inline(always)]
fn fill_row<T: Scalar, S: Sweep>(values: &[T], nodes: &mut [T], soon: [&[T]; 2]) {
    let n = values.len();
    if n < GROUP {
        for (node, value) in nodes.iter_mut().zip(values) {
            *node = S::node(*value);
        }
        return;
    }
    for group in 0..n.div_ceil(GROUP) {
        let first = (group * GROUP).min(n - GROUP);
        let lanes = Lanes::<T, GROUP>::load(&values[first..]);
        for values in soon {
            prefetch(values.get(first..first + GROUP).unwrap_or_default());
        }
        S::node(lanes).store(&mut nodes[first..]);
    }
}

/// Weights and node values of a row with a ghost at either end.
#[derive(Clone, Copy)]
pub(super) struct Side<'a, T> {
    pub weight: &'a [T],
    pub nodes: &'a [T],
}

/// Updates a row in place from its own nodes (factor `along`) and its `N` neighbouring rows (factors `across`).
#[inline(always)]
pub(super) fn update<T: Scalar, S: Sweep, const N: usize>(
    values: &mut [T],
    start: Option<(&[T], T)>,
    own: Side<'_, T>,
    sides: [Side<'_, T>; N],
    along: T,
    across: [T; N],
) {
    match start {
        Some((start, share)) => {
            update_with::<T, S, N>(values, own, sides, along, across, |k, stepped| {
                stepped + share * (start[k] - stepped)
            })
        }
        None => update_with::<T, S, N>(values, own, sides, along, across, |_, stepped| stepped),
    }
}

/// Plain slices of one length, which the compiler turns into vector code.
#[inline(always)]
fn update_with<T: Scalar, S: Sweep, const N: usize>(
    values: &mut [T],
    own: Side<'_, T>,
    sides: [Side<'_, T>; N],
    along: T,
    across: [T; N],
    finish: impl Fn(usize, T) -> T,
) {
    let n = values.len();
    let (left, node, right) = (&own.nodes[..n], &own.nodes[1..][..n], &own.nodes[2..][..n]);
    let left_weight = &own.weight[..n];
    let own_weight = &own.weight[1..][..n];
    let right_weight = &own.weight[2..][..n];
    let sides = sides.map(|side| Side {
        weight: &side.weight[1..][..n],
        nodes: &side.nodes[1..][..n],
    });
    for k in 0..n {
        let from_left = S::face(left_weight[k], node[k], left[k]);
        let from_right = S::face(right_weight[k], node[k], right[k]);
        let mut inflow = along * (from_left + from_right);
        for side in 0..N {
            let Side { weight, nodes } = sides[side];
            inflow = inflow + across[side] * S::face(weight[k], node[k], nodes[k]);
        }
        values[k] = finish(k, S::cell(values[k], own_weight[k], inflow));
    }
}
