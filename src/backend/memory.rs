//! How the process holds memory.

/// Has large blocks given back to the system as soon as they are freed. The allocator of glibc would keep those of up to 32 MiB, each thread its
/// own, in heaps whose holes other blocks do not fit into: JKO steps on 128³ cells then hold a tenth more, and on 64³ a fifth. To be called before other threads are started.
pub fn give_back_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;
        unsafe extern "C" {
            fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        const M_MMAP_THRESHOLD: c_int = -3;
        // Bytes from which on a block is large: where it takes long enough to be filled that new pages do not count.
        const LARGE: c_int = 4 << 20;
        // SAFETY: it sets a parameter of the allocator, and where it cannot changes nothing.
        unsafe { mallopt(M_MMAP_THRESHOLD, LARGE) };
    }
}
