//! Checkpoints: arrays by path in a safetensors file, with a few words of metadata.
//!
//! * A file appears whole or not at all: it is written beside its place and renamed.
//! * Its metadata hold a SHA-256 of all that it holds, so that what was changed afterwards is noticed. A file of another
//!   program has none, and is taken as it is.
//! * A checkpoint is bound to a plan before a weight is touched; whatever does not fit is told together.

use crate::array::{Array, Data, Weights};
use crate::plan::Plan;
use ir::Name;
use safetensors::tensor::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Arrays with metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// The arrays.
    pub arrays: Weights,
    /// What they are.
    pub metadata: BTreeMap<String, String>,
}

/// Why a checkpoint cannot be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system says no.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not a safetensors file, or a truncated one.
    #[error("{path} is not a whole safetensors file ({why})", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file that is not as it was written.
    #[error("{path}: is not as it was written: the SHA-256 of what it holds is another; restore it from a copy, or start anew", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A file of Lanista's without a SHA-256.
    #[error("{path}: lacks the SHA-256 of what it holds: it is damaged, or of an earlier release; restore it from a copy, or start anew", path = path.display())]
    Unsealed {
        /// The file.
        path: PathBuf,
    },
    /// An element type that is not held here.
    #[error("{path}: `{name}` has elements of type {dtype:?}; only F32, F64 and I64 are read", path = path.display())]
    Dtype {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Its type.
        dtype: Dtype,
    },
    /// Weights of another graph.
    #[error("the checkpoint is of another graph: {}", .0.join("; "))]
    OtherGraph(Vec<String>),
}

/// How many differences are told.
const TOLD: usize = 4;

/// Where the metadata have the SHA-256.
const SEAL: &str = "sha256";
/// Where they say what the file is. What begins so is written here, and never without a SHA-256.
const FORMAT: &str = "format";
const OURS: &str = "lanista.";

/// What a SHA-256 is taken of: fields, each after its length in eight bytes.
struct Seal(Sha256);

impl Seal {
    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Of metadata and arrays in the order of their names: keys and values, then name, type, shape and the SHA-256 of the
    /// elements, little-endian.
    fn of<'a>(
        metadata: impl IntoIterator<Item = (&'a String, &'a String)>,
        arrays: &BTreeMap<&str, (Dtype, &[usize], [u8; 32])>,
    ) -> String {
        let mut seal = Self(Sha256::new());
        for (key, value) in metadata.into_iter().filter(|(key, _)| *key != SEAL) {
            seal.field(key.as_bytes());
            seal.field(value.as_bytes());
        }
        seal.field(&[]);
        for (name, (dtype, shape, elements)) in arrays {
            seal.field(name.as_bytes());
            seal.field(format!("{dtype:?} {shape:?}").as_bytes());
            seal.field(elements);
        }
        let digest = seal.0.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Checkpoint {
    /// The file's bytes: the length of the header, the header, the arrays, wider elements first so that each lies aligned.
    /// Equal checkpoints have equal bytes, which the metadata's order in the format's own library would not give.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut arrays: Vec<(&Name, &Array)> = self.arrays.iter().collect();
        arrays.sort_by_key(|(_, a)| matches!(a.data, Data::F32(_)));
        let mut header = serde_json::Map::new();
        let (mut data, mut sealed) = (Vec::new(), BTreeMap::new());
        for (name, array) in arrays {
            let start = data.len();
            data.extend(le_bytes(&array.data));
            let elements = Sha256::digest(&data[start..]).into();
            sealed.insert(name.as_str(), (dtype(&array.data), array.shape.as_slice(), elements));
            let entry = serde_json::json!({
                "dtype": dtype(&array.data), "shape": array.shape, "data_offsets": [start, data.len()],
            });
            header.insert(name.to_string(), entry);
        }
        let mut metadata = self.metadata.clone();
        metadata.insert(SEAL.to_owned(), Seal::of(&self.metadata, &sealed));
        header.insert("__metadata__".into(), serde_json::json!(metadata));
        let mut header = serde_json::Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        let length = (header.len() as u64).to_le_bytes();
        length.into_iter().chain(header).chain(data).collect()
    }

    /// Writes a file.
    ///
    /// # Errors
    /// If the file system refuses; the file that was there before is then untouched.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        files::write(path, &self.to_bytes()).map_err(|source| CheckpointError::Io { path: path.to_owned(), source })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is no whole safetensors file, or is not as it was written.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = std::fs::read(path).map_err(|source| CheckpointError::Io { path: path.to_owned(), source })?;
        Self::from_bytes(path, &bytes)
    }

    /// What the bytes of a file hold.
    fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, CheckpointError> {
        let format =
            |e: safetensors::SafeTensorError| CheckpointError::Format { path: path.to_owned(), why: e.to_string() };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(format)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(format)?;
        let mut metadata: BTreeMap<String, String> =
            metadata.metadata().clone().unwrap_or_default().into_iter().collect();
        let found: BTreeMap<&str, _> = tensors.iter().collect();
        if let Some(seal) = metadata.get(SEAL) {
            let elements =
                found.iter().map(|(name, v)| (*name, (v.dtype(), v.shape(), Sha256::digest(v.data()).into())));
            if *seal != Seal::of(&metadata, &elements.collect()) {
                return Err(CheckpointError::Changed { path: path.to_owned() });
            }
        } else if metadata.get(FORMAT).is_some_and(|f| f.starts_with(OURS)) {
            return Err(CheckpointError::Unsealed { path: path.to_owned() });
        }
        metadata.remove(SEAL);
        let mut arrays = Weights::new();
        for (name, view) in found {
            let data = match view.dtype() {
                Dtype::F32 => Data::F32(chunks(view.data()).map(f32::from_le_bytes).collect()),
                Dtype::F64 => Data::F64(chunks(view.data()).map(f64::from_le_bytes).collect()),
                Dtype::I64 => Data::I64(chunks(view.data()).map(i64::from_le_bytes).collect()),
                dtype => {
                    return Err(CheckpointError::Dtype { path: path.to_owned(), name: name.to_owned(), dtype });
                }
            };
            arrays.insert(Name::new(name), Array { shape: view.shape().to_vec(), data });
        }
        Ok(Self { arrays, metadata })
    }
}

/// Checks that `weights` holds each weight of the plan in its shape, and, unless told otherwise, nothing else.
///
/// # Errors
/// If it does not; the first few differences are named.
pub fn check(plan: &Plan, weights: &Weights) -> Result<(), CheckpointError> {
    let mut faults = Vec::new();
    for w in &plan.weights {
        let want: Vec<usize> = w.spec.shape.iter().map(|d| *d as usize).collect();
        match weights.get(&w.path) {
            None => faults.push(format!("`{}` {want:?} is not in it", w.path)),
            Some(a) if a.shape != want => faults.push(format!("`{}` is {:?} there, {want:?} here", w.path, a.shape)),
            Some(_) => {}
        }
    }
    let known: rustc_hash::FxHashSet<&Name> = plan.weights.iter().map(|w| &w.path).collect();
    faults.extend(
        weights
            .iter()
            .filter(|(n, _)| !known.contains(n))
            .map(|(n, a)| format!("it holds `{n}` {:?}, which the graph does not", a.shape)),
    );
    if faults.is_empty() {
        return Ok(());
    }
    let more = faults.len().saturating_sub(TOLD);
    faults.truncate(TOLD);
    if more > 0 {
        faults.push(format!("and {more} more"));
    }
    Err(CheckpointError::OtherGraph(faults))
}

fn dtype(data: &Data) -> Dtype {
    match data {
        Data::F32(_) => Dtype::F32,
        Data::F64(_) => Dtype::F64,
        Data::I64(_) => Dtype::I64,
    }
}

fn le_bytes(data: &Data) -> Vec<u8> {
    match data {
        Data::F32(x) => x.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::F64(x) => x.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::I64(x) => x.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let mut arrays = Weights::new();
        arrays.insert("a.weight".into(), Array::f32(vec![2, 1], vec![1.0, f32::MIN_POSITIVE]));
        arrays.insert("b \"q\"".into(), Array::f64(vec![], vec![0.1]));
        arrays.insert("n".into(), Array { shape: vec![3], data: Data::I64(vec![1, -2, i64::MAX]) });
        arrays.insert("none".into(), Array::f32(vec![0, 4], vec![]));
        let words = [("format", "lanista.test"), ("one", "3"), ("two", "3"), ("three", "5")];
        Checkpoint { arrays, metadata: words.map(|(k, v)| (k.to_owned(), v.to_owned())).into() }
    }

    #[test]
    fn what_is_saved_is_loaded_and_always_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, checkpoint) = (folder.path().join("x.safetensors"), checkpoint());
        checkpoint.save(&path).expect("written");
        assert_eq!(Checkpoint::load(&path).expect("read"), checkpoint);
        assert_eq!(std::fs::read(&path).expect("read"), checkpoint.clone().to_bytes());
    }

    /// Every bit, of the header too: it is refused, or nothing of what it held is another.
    #[test]
    fn no_flipped_bit_is_taken_in_silence() {
        let checkpoint = checkpoint();
        let bytes = checkpoint.to_bytes();
        let mut silent = Vec::new();
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if Checkpoint::from_bytes(Path::new("x"), &changed).is_ok_and(|found| found != checkpoint) {
                silent.push(bit);
            }
        }
        assert!(silent.is_empty(), "{} of {} bits: {silent:?}", silent.len(), 8 * bytes.len());
    }

    #[test]
    fn what_is_not_as_it_was_written_is_named() {
        let path = Path::new("x.safetensors");
        let refusal = |bytes: &[u8]| Checkpoint::from_bytes(path, bytes).expect_err("it is another").to_string();
        let mut bytes = checkpoint().to_bytes();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert!(refusal(&bytes).contains("x.safetensors: is not as it was written"), "{}", refusal(&bytes));
        bytes[last] ^= 1;
        let at = bytes.windows(6).position(|w| w == b"sha256").expect("it is there");
        bytes[at] = b'S';
        assert!(refusal(&bytes).contains("x.safetensors: lacks the SHA-256"), "{}", refusal(&bytes));
    }

    /// Weights of other programs have no SHA-256.
    #[test]
    fn a_file_of_another_program_is_taken_as_it_is() {
        let element = 0.5f32.to_le_bytes();
        let view = safetensors::tensor::TensorView::new(Dtype::F32, vec![1], &element).expect("a view");
        let bytes = safetensors::serialize([("w", view)], None).expect("bytes");
        let arrays = Weights::from([("w".into(), Array::f32(vec![1], vec![0.5]))]);
        let found = Checkpoint::from_bytes(Path::new("x"), &bytes).expect("read");
        assert_eq!(found, Checkpoint { arrays, metadata: BTreeMap::new() });
    }
}
