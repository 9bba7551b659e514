//! What two JSON values have in common besides their contents: fields, types and nulls.

use serde_json::Value;

/// Where two values differ, as `path: what stands here, what stands there`. Lists are compared entry by entry where they
/// have the same length, else each entry with the other's first; an empty list is like any list.
#[must_use]
pub fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, got, &mut found);
    found.dedup();
    found
}

fn compare(path: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            for (key, value) in expected {
                match got.get(key) {
                    Some(other) => compare(&format!("{path}.{key}"), value, other, found),
                    None => found.push(format!("{path}.{key}: {}, missing", kind(value))),
                }
            }
            let more = got.iter().filter(|(key, _)| !expected.contains_key(*key));
            found.extend(more.map(|(key, value)| format!("{path}.{key}: missing, {}", kind(value))));
        }
        (Value::Array(expected), Value::Array(got)) => {
            let same = expected.len() == got.len();
            for (index, value) in got.iter().enumerate() {
                let like = if same { expected.get(index) } else { expected.first() };
                if let Some(like) = like {
                    compare(&format!("{path}[]"), like, value, found);
                }
            }
        }
        _ if kind(expected) == kind(got) => {}
        _ => found.push(format!("{path}: {}, {}", kind(expected), kind(got))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn contents_may_differ_and_shapes_may_not() {
        let one = json!({ "a": [1, 2], "b": { "c": "x", "d": null }, "e": 0.5 });
        assert_eq!(differences(&one, &json!({ "a": [7], "b": { "c": "y", "d": null }, "e": 2.5 })), [""; 0]);
        let other = json!({ "a": ["1"], "b": { "c": "y", "d": 1, "f": true }, "e": 2 });
        let expected =
            [".a[]: integer, string", ".b.d: null, integer", ".b.f: missing, bool", ".e: float, integer"];
        assert_eq!(differences(&one, &other), expected);
        assert_eq!(differences(&json!([]), &json!([{ "a": 1 }])), [""; 0]);
        assert_eq!(differences(&json!({ "a": 1 }), &json!({})), [".a: integer, missing"]);
    }
}
