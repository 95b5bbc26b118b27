//! Checkpoints: arrays by path in a safetensors file, with a few words of metadata.
//!
//! * A file appears whole or not at all: it is written beside its place and renamed.
//! * A checkpoint is bound to a plan before a weight is touched; whatever does not fit is told together.

use crate::array::{Array, Data, Weights};
use crate::plan::Plan;
use ir::Name;
use safetensors::tensor::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::io::Write;
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

impl Checkpoint {
    /// The file's bytes: the length of the header, the header, the arrays, wider elements first so that each lies aligned.
    /// Equal checkpoints have equal bytes, which the metadata's order in the format's own library would not give.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut arrays: Vec<(&Name, &Array)> = self.arrays.iter().collect();
        arrays.sort_by_key(|(_, a)| matches!(a.data, Data::F32(_)));
        let mut header = serde_json::Map::new();
        if !self.metadata.is_empty() {
            header.insert("__metadata__".into(), serde_json::json!(self.metadata));
        }
        let mut data = Vec::new();
        for (name, array) in arrays {
            let start = data.len();
            data.extend(le_bytes(&array.data));
            let entry = serde_json::json!({
                "dtype": dtype(&array.data), "shape": array.shape, "data_offsets": [start, data.len()],
            });
            header.insert(name.to_string(), entry);
        }
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
        let io = |source| CheckpointError::Io { path: path.to_owned(), source };
        let text = self.to_bytes();
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(io)?;
        file.persist(path).map_err(|e| io(e.error))?;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, or is no whole safetensors file.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = std::fs::read(path).map_err(|source| CheckpointError::Io { path: path.to_owned(), source })?;
        let format =
            |e: safetensors::SafeTensorError| CheckpointError::Format { path: path.to_owned(), why: e.to_string() };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(format)?;
        let tensors = SafeTensors::deserialize(&bytes).map_err(format)?;
        let mut arrays = Weights::new();
        for (name, view) in tensors.iter() {
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
        let metadata = metadata.metadata().clone().unwrap_or_default().into_iter().collect();
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

    #[test]
    fn what_is_saved_is_loaded_and_always_the_same() {
        let mut arrays = Weights::new();
        arrays.insert("a.weight".into(), Array::f32(vec![2, 1], vec![1.0, f32::MIN_POSITIVE]));
        arrays.insert("b \"q\"".into(), Array::f64(vec![], vec![0.1]));
        arrays.insert("n".into(), Array { shape: vec![3], data: Data::I64(vec![1, -2, i64::MAX]) });
        arrays.insert("none".into(), Array::f32(vec![0, 4], vec![]));
        let words = ["one", "two", "three", "four"].map(|w| (w.to_owned(), w.len().to_string()));
        let checkpoint = Checkpoint { arrays, metadata: words.into_iter().collect() };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.safetensors");
        checkpoint.save(&path).expect("written");
        assert_eq!(Checkpoint::load(&path).expect("read"), checkpoint);
        assert_eq!(std::fs::read(&path).expect("read"), checkpoint.clone().to_bytes());
    }
}
