//! The way into libtorch: devices, threads, CUDA's library.

use super::ffi;
use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Where a network runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// The processor.
    Cpu,
    /// A CUDA device by number.
    Cuda(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(i) => write!(f, "cuda:{i}"),
        }
    }
}

impl FromStr for Device {
    type Err = RuntimeError;

    fn from_str(text: &str) -> Result<Self, RuntimeError> {
        let unknown = || RuntimeError::UnknownDevice(text.to_owned());
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", i)) => i.parse().map(Self::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl From<Device> for tch::Device {
    fn from(device: Device) -> Self {
        match device {
            Device::Cpu => Self::Cpu,
            Device::Cuda(i) => Self::Cuda(i),
        }
    }
}

/// Why libtorch cannot be used as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// No such device.
    #[error("no device is called `{0}`; there are cpu, cuda and cuda:N")]
    UnknownDevice(String),
    /// CUDA's part of libtorch cannot be loaded.
    #[error(
        "device `{device}` needs libtorch_cuda.so, which cannot be loaded ({why}); use --device cpu, or a PyTorch built with CUDA"
    )]
    NoCuda {
        /// The device.
        device: Device,
        /// What the loader says.
        why: String,
    },
    /// No such GPU.
    #[error(
        "device `{device}` is not there: libtorch sees {count} CUDA devices (driver and `nvidia-smi` tell more); use --device cpu"
    )]
    NoDevice {
        /// The device.
        device: Device,
        /// How many there are.
        count: i64,
    },
    /// CUDA after the processor.
    #[error(
        "device `{0}` was asked for after libtorch had started on the CPU, when CUDA can no longer be reached; \
         start a process that uses CUDA from the first"
    )]
    TooLate(Device),
    /// The turn alone, while the thread shares it.
    #[error(
        "a thread that shares its turn with others cannot have it alone, with {threads} threads for its kernels: they run \
         beside it; take the turn alone from the first, or end the shared one before"
    )]
    Shared {
        /// The threads that were asked for.
        threads: usize,
    },
}

/// What libtorch was started for.
static STARTED: Mutex<Option<Device>> = Mutex::new(None);

/// CUDA's library, kept for the life of the process.
static CUDA: Mutex<Option<libloading::Library>> = Mutex::new(None);

/// Whose turn it is.
static TURN: RwLock<()> = RwLock::new(());

/// How a thread has the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Alone,
    Shared,
}

thread_local! {
    static HOLD: Cell<Option<Hold>> = const { Cell::new(None) };
}

/// The right to use libtorch's settings that a process shares, the number of threads among them, until it is dropped.
///
/// A sum's rounding depends on the number of threads. Runs that must be exact to the bit take turns, step by step; a
/// thread that has the turn may ask for it again. Runs with one thread each disturb each other in nothing and share it; who
/// shares it cannot have it alone before that ends.
#[derive(Debug)]
pub struct Turn(Option<Held>);

/// Released when it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "what counts is how long the locks are held")]
enum Held {
    Alone(RwLockWriteGuard<'static, ()>),
    Shared(RwLockReadGuard<'static, ()>),
}

impl Turn {
    /// Waits for the turn, and sets the number of threads.
    ///
    /// # Errors
    /// As [`Runtime::init`]; also if this thread shares the turn: it would wait for itself.
    pub fn take(device: Device, threads: usize) -> Result<Self, RuntimeError> {
        if HOLD.get() == Some(Hold::Shared) {
            return Err(RuntimeError::Shared { threads });
        }
        let wait = || Held::Alone(TURN.write().unwrap_or_else(PoisonError::into_inner));
        Self::with(device, threads, Hold::Alone, wait)
    }

    /// Waits for the turn of those that run with one thread each, beside one another.
    ///
    /// # Errors
    /// As [`Runtime::init`].
    pub fn share(device: Device) -> Result<Self, RuntimeError> {
        let wait = || Held::Shared(TURN.read().unwrap_or_else(PoisonError::into_inner));
        Self::with(device, 1, Hold::Shared, wait)
    }

    fn with(device: Device, threads: usize, hold: Hold, wait: impl FnOnce() -> Held) -> Result<Self, RuntimeError> {
        let held = if HOLD.get().is_some() { None } else { Some(wait()) };
        HOLD.set(HOLD.get().or(Some(hold)));
        let turn = Self(held);
        Runtime::init(device, Some(threads))?;
        Ok(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.0.is_some() {
            HOLD.set(None);
        }
    }
}

/// Libtorch, started for a device, with its settings for this thread.
///
/// Libtorch keeps threads and gradient mode per thread, so each thread that runs plans makes one.
#[derive(Clone, Copy, Debug)]
pub struct Runtime {
    device: Device,
}

impl Runtime {
    /// Starts libtorch for a device, with so many threads for its kernels (its own choice if `None`).
    ///
    /// # Errors
    /// If the device is absent, or is a GPU after libtorch has been started without.
    pub fn init(device: Device, threads: Option<usize>) -> Result<Self, RuntimeError> {
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        match (*started, device) {
            (Some(Device::Cpu), Device::Cuda(_)) => return Err(RuntimeError::TooLate(device)),
            (None, Device::Cuda(_)) => load_cuda(device)?,
            _ => {}
        }
        if let Device::Cuda(i) = device {
            let count = tch::Cuda::device_count();
            if i64::try_from(i).unwrap_or(i64::MAX) >= count {
                return Err(RuntimeError::NoDevice { device, count });
            }
        }
        if started.is_none() {
            ffi::install_allocator();
        }
        started.get_or_insert(device);
        if let Some(n) = threads {
            tch::set_num_threads(i32::try_from(n).unwrap_or(i32::MAX));
        }
        Ok(Self { device })
    }

    /// The device.
    #[must_use]
    pub fn device(self) -> Device {
        self.device
    }

    /// Threads of libtorch's kernels.
    #[must_use]
    pub fn threads(self) -> usize {
        tch::get_num_threads().try_into().unwrap_or(1)
    }
}

/// The greatest number of bytes that tensors in the host's memory held at a time since [`reset_peak_memory`]; blocks
/// below 64 KiB are not counted.
#[must_use]
pub fn peak_memory() -> u64 {
    ffi::peak_bytes()
}

/// Counts [`peak_memory`] anew from what is held now.
pub fn reset_peak_memory() {
    ffi::reset_peak();
}

/// The linker drops CUDA's library, as nothing names it; loading it registers its kernels.
#[allow(unsafe_code)]
fn load_cuda(device: Device) -> Result<(), RuntimeError> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: the library's constructors register kernels with libtorch; it is never unloaded.
    let library = unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) };
    let library = library.map_err(|e| RuntimeError::NoCuda { device, why: e.to_string() })?;
    *CUDA.lock().unwrap_or_else(PoisonError::into_inner) = Some(library.into());
    Ok(())
}

/// Bytes that a run may still take: of the machine's memory, or unknown.
///
/// Linux promises more than it has and kills whom it disappoints, so that a run must ask before it starts.
#[must_use]
pub fn available_memory(device: Device) -> Option<u64> {
    match device {
        Device::Cuda(_) => None,
        Device::Cpu => {
            let text = std::fs::read_to_string("/proc/meminfo").ok()?;
            let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
            let free = line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024;
            Some(cgroup_limit().map_or(free, |limit| free.min(limit)))
        }
    }
}

/// What is left of a container's limit.
fn cgroup_limit() -> Option<u64> {
    let read = |name: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    Some(read("memory.max")?.saturating_sub(read("memory.current").unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_shares_the_turn_cannot_have_it_alone() {
        let shared = Turn::share(Device::Cpu).expect("the processor is there");
        let error = Turn::take(Device::Cpu, 2).expect_err("another may share it");
        assert_eq!(error, RuntimeError::Shared { threads: 2 });
        assert!(error.to_string().contains("end the shared one before"), "{error}");
        // It is still shared: others can, too.
        let beside = std::thread::spawn(|| Turn::share(Device::Cpu).map(drop)).join().expect("no panic");
        beside.expect("the processor is there");
        drop((Turn::share(Device::Cpu).expect("again"), shared));
        let alone = Turn::take(Device::Cpu, 2).expect("nobody shares it");
        drop((Turn::take(Device::Cpu, 2).expect("again"), Turn::share(Device::Cpu).expect("it has more"), alone));
        Turn::share(Device::Cpu).expect("it was given back");
    }
}
