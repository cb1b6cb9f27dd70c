//! `${NAME}` and `${NAME:-default}` inside a text value. Works on values that TOML has already read, so that what an environment
//! variable holds can never become a key or a table. Knows neither keys nor places.

/// Where variables come from: `std::env::var` in the program, a closure in tests.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A text with its variables replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The text.
    pub value: String,
    /// Whether any of it came from the environment; such a value is never shown.
    pub from_env: bool,
}

/// Why a text can't be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpandError {
    /// A variable without default that is not set.
    Unset(String),
    /// `${` without `}`.
    Open,
    /// Between the braces stands no name.
    Name(String),
}

/// Replaces variables; `$${` stands for `${`. A default is taken where the variable is not set or empty, as in a shell, and ends at the
/// first `}`.
pub fn expand(text: &str, env: Lookup<'_>) -> Result<Expanded, ExpandError> {
    let mut expanded = Expanded { value: String::with_capacity(text.len()), from_env: false };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let after = &rest[at + 2..];
        if rest[..at].ends_with('$') {
            expanded.value.push_str(&rest[..at - 1]);
            expanded.value.push_str("${");
            rest = after;
            continue;
        }
        expanded.value.push_str(&rest[..at]);
        let (inner, tail) = after.split_once('}').ok_or(ExpandError::Open)?;
        expanded.value.push_str(&variable(inner, env)?);
        expanded.from_env = true;
        rest = tail;
    }
    expanded.value.push_str(rest);
    Ok(expanded)
}

fn variable(inner: &str, env: Lookup<'_>) -> Result<String, ExpandError> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    if !is_name(name) {
        return Err(ExpandError::Name(name.to_string()));
    }
    match (env(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_string()),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_string()),
        (None, None) => Err(ExpandError::Unset(name.to_string())),
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("broker".to_string()),
            "EMPTY" => Some(String::new()),
            "TRICK" => Some("${HOST}".to_string()),
            _ => None,
        }
    }

    fn value(text: &str) -> Result<String, ExpandError> {
        expand(text, &env).map(|expanded| expanded.value)
    }

    #[test]
    fn variables_defaults_and_escapes() {
        for (text, expanded) in [
            ("plain $ { }", "plain $ { }"),
            ("${HOST}:9092", "broker:9092"),
            ("${HOST}${HOST}", "brokerbroker"),
            ("${NONE:-127.0.0.1:9092}", "127.0.0.1:9092"),
            ("${NONE:-}", ""),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY}", ""),
            ("$${HOST}", "${HOST}"),
            ("$$${HOST}", "$${HOST}"),
            ("${TRICK}", "${HOST}"),
        ] {
            assert_eq!(value(text).as_deref(), Ok(expanded), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_expanded() {
        assert_eq!(value("${NONE}"), Err(ExpandError::Unset("NONE".into())));
        assert_eq!(value("${HOST"), Err(ExpandError::Open));
        assert_eq!(value("${}"), Err(ExpandError::Name(String::new())));
        assert_eq!(value("${1st}"), Err(ExpandError::Name("1st".into())));
        assert_eq!(value("${HOST-x}"), Err(ExpandError::Name("HOST-x".into())));
    }

    #[test]
    fn only_variables_count_as_from_the_environment() {
        let from_env = |text: &str| expand(text, &env).map(|expanded| expanded.from_env);
        assert_eq!(from_env("$${HOST}"), Ok(false));
        assert_eq!(from_env("${HOST}"), Ok(true));
    }

    proptest! {
        #[test]
        fn any_text_expands_or_is_refused(text in "[${}:A-Z-]{0,24}|\\PC{0,12}") {
            let _ = expand(&text, &env);
        }
    }
}
