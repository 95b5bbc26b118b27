//! Names that Python and PyTorch accept.

/// Python's keywords; a soft keyword (`match`) is a name like any other.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// What an `nn.Module` has of its own, so that no child can be called that; a test compares it with PyTorch's.
pub const MODULE: [&str; 54] = [
    "T_destination",
    "add_module",
    "apply",
    "bfloat16",
    "buffers",
    "call_super_init",
    "children",
    "compile",
    "cpu",
    "cuda",
    "double",
    "dump_patches",
    "eval",
    "extra_repr",
    "float",
    "forward",
    "get_buffer",
    "get_extra_state",
    "get_parameter",
    "get_submodule",
    "half",
    "ipu",
    "load_state_dict",
    "modules",
    "mtia",
    "named_buffers",
    "named_children",
    "named_modules",
    "named_parameters",
    "parameters",
    "register_backward_hook",
    "register_buffer",
    "register_forward_hook",
    "register_forward_pre_hook",
    "register_full_backward_hook",
    "register_full_backward_pre_hook",
    "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook",
    "register_module",
    "register_parameter",
    "register_state_dict_post_hook",
    "register_state_dict_pre_hook",
    "requires_grad_",
    "set_extra_state",
    "set_submodule",
    "share_memory",
    "state_dict",
    "to",
    "to_empty",
    "train",
    "training",
    "type",
    "xpu",
    "zero_grad",
];

/// Whether a name can be an attribute of an `nn.Module`, `self.name`. A leading underscore is PyTorch's or Python's.
pub fn is_attribute(name: &str) -> bool {
    let mut bytes = name.bytes();
    let fits =
        bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_');
    fits && !KEYWORDS.contains(&name) && !MODULE.contains(&name)
}

/// A name like `name` that Python accepts, also as an attribute of an `nn.Module`.
pub fn sanitised(name: &str) -> String {
    let mut out: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if !out.starts_with(|c: char| c.is_ascii_alphabetic()) {
        out.insert_str(0, if out.starts_with('_') { "v" } else { "v_" });
    }
    if KEYWORDS.contains(&&*out) || MODULE.contains(&&*out) { out + "_" } else { out }
}

/// `relu_conv_bn` as `ReluConvBn`.
pub fn camel(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let capital = |w: &str| w[..1].to_ascii_uppercase() + &w[1..];
    let out: String = words.map(capital).collect();
    if out.starts_with(|c: char| c.is_ascii_alphabetic()) { out } else { format!("Graph{out}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_attributes() {
        for name in ["conv", "e01", "Conv_2", "match"] {
            assert!(is_attribute(name), "{name}");
        }
        for name in ["", "3x3", "class", "type", "train", "_modules", "__x", "a.b", "a/b", "größe", "z z"] {
            assert!(!is_attribute(name), "{name}");
            let changed = sanitised(name);
            assert!(is_attribute(&changed), "{name} becomes {changed}");
        }
    }

    #[test]
    fn spells_classes() {
        assert_eq!(camel("relu_conv_bn"), "ReluConvBn");
        assert_eq!(camel("cell/normal"), "CellNormal");
        assert_eq!(camel("3x3"), "Graph3x3");
        assert_eq!(camel("a é"), "A");
    }
}
