//! Sorted numbers, their starts and chunks against those of the library's stable sort.

use super::{CHUNK, Sorting, SortingKernels};
use crate::backend::gpu::Memory;
use crate::flow::jko::solid::device::tests::gpu;
use crate::flow::jko::solid::multigrid::unstructured;

/// The numbers by keys, where each key begins, and where its chunks do, of all and of crowded ones.
fn sorted(keys: &[u32], bound: usize) -> [Vec<u32>; 4] {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    order.sort_by_key(|number| keys[*number as usize]);
    let below = |key: u32| keys.iter().filter(|other| **other < key).count();
    let starts: Vec<u32> = (0..=bound as u32).map(|key| below(key) as u32).collect();
    let [mut chunks, mut crowds] = [vec![0], vec![0]];
    for pair in starts.windows(2) {
        let own = (pair[1] - pair[0]).div_ceil(CHUNK as u32);
        chunks.push(chunks[chunks.len() - 1] + own);
        crowds.push(crowds[crowds.len() - 1] + if own > 1 { own } else { 0 });
    }
    [order, starts, chunks, crowds]
}

#[test]
fn numbers_of_equal_keys_keep_their_order() {
    let Some(gpu) = gpu() else { return };
    let memory = Memory::new(&gpu, 1 << 14).unwrap();
    let kernels = SortingKernels::new(&gpu).unwrap();
    for (count, bound) in [(1, 1), (63, 2), (64, 16), (65, 17), (4097, 3), (9000, 4096)] {
        // Scattered over all keys, then crowded on the last.
        let scattered = |number: usize| (unstructured(number) + 0.5) * bound as f64;
        let crowded = |number: usize| (bound - 1) as f64 - (number % 500 / 499) as f64;
        let cases: [&dyn Fn(usize) -> f64; 2] = [&scattered, &crowded];
        for key in cases {
            let keys: Vec<u32> = (0..count).map(|number| key(number) as u32).collect();
            let sorting = Sorting::new(&gpu, &memory, &kernels, count, bound).unwrap();
            let numbers: Vec<u32> = (0..count as u32).collect();
            memory.write(&sorting.keys, &keys).unwrap();
            memory.write(&sorting.numbers, &numbers).unwrap();
            sorting.program.submit(1);
            let read = |values, length| {
                let mut found = vec![0_u32; length];
                memory.read_from(values, 0, &mut found).unwrap();
                found
            };
            let found = [
                read(&sorting.order, count),
                read(&sorting.starts, bound + 1),
                read(&sorting.chunks, bound + 1),
                read(&sorting.crowds, bound + 1),
            ];
            assert_eq!(found, sorted(&keys, bound), "{count} numbers below {bound}");
            assert!(found[2][bound] as usize <= sorting.most_chunks);
            assert!(found[3][bound] as usize <= sorting.most_crowds);
        }
    }
}
