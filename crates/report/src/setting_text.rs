//! The value of a model's setting as people read it.

use bakeoff_core::to_hex;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Longer texts within a setting are files.
const LONGEST: usize = 80;

/// The value as JSON, a text without its quotes; of a file its size, and the start of its SHA-256; of a
/// recipe its family and weight, and the start of the SHA-256 of its JSON.
pub(crate) fn setting_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(items) => {
            let items = items.iter().map(|(key, value)| match value.as_str() {
                // A recipe within a recipe is told apart by its hash.
                None if value.get("family").is_some() => {
                    let hash = to_hex(&Sha256::digest(value.to_string()));
                    let part = |key: &str| value.get(key).map(setting_text).unwrap_or_default();
                    let (family, weight) = (part("family"), part("weight"));
                    format!("{key} ({family}, weight {weight}, recipe {})", &hash[..8])
                }
                Some(text) if text.len() > LONGEST || text.contains('\n') => {
                    let hash = to_hex(&Sha256::digest(text.as_bytes()));
                    format!("{key} ({} bytes, {})", text.len(), &hash[..8])
                }
                _ => format!("{key} = {value}"),
            });
            items.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::setting_text;

    #[test]
    fn settings_are_short() {
        assert_eq!(setting_text(&json!("prior")), "prior");
        assert_eq!(setting_text(&json!([1, 2])), "[1,2]");
        assert_eq!(
            setting_text(&json!({"trees": 300, "kind": "a"})),
            "kind = \"a\", trees = 300"
        );
        // printf '{"family":"knn","weight":2.0}' | sha256sum
        assert_eq!(
            setting_text(&json!({"a": {"family": "knn", "weight": 2.0}})),
            "a (knn, weight 2.0, recipe 27c32328)"
        );
        // printf 'a\n' | sha256sum
        assert_eq!(
            setting_text(&json!({"a.sh": "a\n"})),
            "a.sh (2 bytes, 87428fc5)"
        );
    }
}
