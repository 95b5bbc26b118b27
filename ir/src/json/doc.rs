//! The document: plain structs whose field names are the format.

use crate::value::Name;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;
use std::fmt;

/// A module.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModuleDoc {
    pub(super) module: Name,
    pub(super) entry: Name,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) decisions: Vec<DecisionDoc>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) constraints: Vec<Json>,
    pub(super) graphs: Vec<GraphDoc>,
}

/// A decision or a family of decisions.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionDoc {
    pub(super) label: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<u32>,
    pub(super) domain: Json,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) default: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) weights: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<Name>,
}

/// A graph.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GraphDoc {
    pub(super) name: Name,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) params: Vec<Name>,
    pub(super) inputs: Vec<InputDoc>,
    pub(super) nodes: Vec<NodeDoc>,
    pub(super) outputs: Vec<String>,
}

/// An input of a graph.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputDoc {
    pub(super) name: Name,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) ty: Option<String>,
}

/// A node: exactly one of `op`, `call`, `choice`, `select` and `repeat`, with what belongs to it.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeDoc {
    pub(super) name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) op: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attrs: Option<AttrsDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) choice: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) candidates: Option<Vec<CandidateDoc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) select: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reduce: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) repeat: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) block: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<Vec<Json>>,
    #[serde(default)]
    pub(super) inputs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) weights: Option<Name>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) ty: Option<Vec<String>>,
}

/// A candidate of a choice: `op` with `attrs`, or `call` with `args`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CandidateDoc {
    pub(super) label: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) op: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attrs: Option<AttrsDoc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) args: Option<Vec<Json>>,
}

/// The attributes of an op, in their order; a name that stands twice is an error.
pub(super) struct AttrsDoc(pub(super) Vec<(Name, Json)>);

impl Serialize for AttrsDoc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, x)| (name, x)))
    }
}

impl<'de> Deserialize<'de> for AttrsDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Attrs;
        impl<'de> Visitor<'de> for Attrs {
            type Value = AttrsDoc;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of attributes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<AttrsDoc, A::Error> {
                /// More than any op has; the registry names the one that is unknown.
                const MOST: usize = 256;
                let mut attrs: Vec<(Name, Json)> = Vec::new();
                while let Some((name, x)) = map.next_entry::<Name, Json>()? {
                    if attrs.iter().any(|(n, _)| *n == name) {
                        return Err(Error::custom(format!("found the attribute `{name}` again, expected it once")));
                    }
                    if attrs.len() == MOST {
                        return Err(Error::custom(format!("found more than {MOST} attributes, expected fewer")));
                    }
                    attrs.push((name, x));
                }
                Ok(AttrsDoc(attrs))
            }
        }
        deserializer.deserialize_map(Attrs)
    }
}
