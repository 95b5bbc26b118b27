//! The caching allocator for the host's memory.

unsafe extern "C" {
    fn lanista_install_allocator();
    fn lanista_peak_bytes() -> u64;
    fn lanista_reset_peak();
}

/// Takes the host's memory over from libtorch's own allocator.
pub fn install_allocator() {
    // SAFETY: libtorch keeps a pointer to an allocator that is never destroyed.
    unsafe { lanista_install_allocator() }
}

/// The greatest number of bytes that tensors of 64 KiB and more held at a time.
pub fn peak_bytes() -> u64 {
    // SAFETY: a counter under a lock.
    unsafe { lanista_peak_bytes() }
}

/// Counts that peak anew from now.
pub fn reset_peak() {
    // SAFETY: as above.
    unsafe { lanista_reset_peak() }
}
