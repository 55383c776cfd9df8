//! How the process holds memory.

/// Bytes from which on a block is large: filling it takes so long that new pages do not count.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: libc::c_int = 4 << 20;

/// Has large blocks given back to the system as soon as they are freed. The allocator of glibc would keep those of up to 32 MiB, each thread its
/// own, in heaps whose holes other blocks do not fit into: JKO steps on 128³ cells then hold a tenth more, and on 64³ a fifth. To be called before other
/// threads are started.
pub fn give_back_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it sets a parameter of the allocator, and where it cannot changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE)
    };
}
