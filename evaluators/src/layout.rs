//! How a table finds its row from a sample's picks: worked out once per schema, then a few array look-ups.

use mutators::Schema;
use std::sync::{Arc, OnceLock};

/// Schemas that are remembered; a study has one, its dataset variants a few.
const REMEMBERED: usize = 4;

/// What was worked out for the schemas met so far. Those met later than the first few are worked out each time.
///
/// A remembered schema is kept alive, so that its address stands for it and is never another's.
#[derive(Debug)]
pub(crate) struct Layouts<T> {
    known: [OnceLock<(Arc<Schema>, T)>; REMEMBERED],
}

impl<T> Layouts<T> {
    pub const fn new() -> Self {
        Self { known: [const { OnceLock::new() }; REMEMBERED] }
    }

    /// What is known of a schema.
    #[inline]
    pub fn get(&self, schema: &Arc<Schema>) -> Option<&T> {
        for slot in &self.known {
            let (known, layout) = slot.get()?;
            if Arc::ptr_eq(known, schema) {
                return Some(layout);
            }
        }
        None
    }

    /// Remembers it while there is room.
    pub fn remember(&self, schema: &Arc<Schema>, layout: T) {
        if self.get(schema).is_some() {
            return;
        }
        let mut entry = (schema.clone(), layout);
        for slot in &self.known {
            match slot.set(entry) {
                Ok(()) => return,
                Err(back) => entry = back,
            }
        }
    }
}
