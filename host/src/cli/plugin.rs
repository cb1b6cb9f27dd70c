//! `weir plugin build` and `weir plugin inspect`.

use super::args::{BuildArgs, InspectArgs};
use super::{Failure, say};
use crate::pipeline;
use crate::plugin::{self, BuildOptions, Limits, Setting};
use std::path::PathBuf;

/// Builds a guest crate into a component.
pub fn build(args: &BuildArgs) -> Result<u8, Failure> {
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("."));
    let options = BuildOptions { out: Some(out), ..BuildOptions::default() };
    let built = plugin::build(&args.dir, &options).map_err(|error| Failure::run(&error))?;
    say(&format!("{} ({} bytes, sha256:{})", built.path.display(), built.size_bytes, built.digest));
    Ok(0)
}

/// Shows what a component is, asks for, gives and costs.
pub fn inspect(args: &InspectArgs) -> Result<u8, Failure> {
    let mut settings = Vec::new();
    for option in &args.options {
        settings.push(setting(option)?);
    }
    let host = pipeline::plugin_host().map_err(|error| Failure::run(&error))?;
    let label = args.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let opened = host.open_file(&label, &args.file, Limits::default()).map_err(|error| Failure::run(&error))?;
    let inspection = plugin::inspect(&opened, &settings).map_err(|error| Failure::run(&error))?;
    say(plugin::render(&inspection).trim_end());
    Ok(0)
}

/// `name=value`: true and false, whole and real numbers as such; anything else, or in quotes, is text.
fn setting(option: &str) -> Result<(String, Setting), Failure> {
    let Some((name, value)) = option.split_once('=') else {
        let text = format!("error: `--option {option}` has no value; write NAME=VALUE, such as `scale=2`");
        return Err(Failure { text, code: 2 });
    };
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let setting = match (quoted, value) {
        (Some(text), _) => Setting::Text(text.into()),
        (None, "true") => Setting::Boolean(true),
        (None, "false") => Setting::Boolean(false),
        (None, value) => match (value.parse(), value.parse()) {
            (Ok(whole), _) => Setting::Int64(whole),
            (_, Ok(real)) => Setting::Float64(real),
            _ => Setting::Text(value.into()),
        },
    };
    Ok((name.to_owned(), setting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_typed_as_in_the_file() {
        let typed = |option| setting(option).unwrap().1;
        assert_eq!(typed("a=true"), Setting::Boolean(true));
        assert_eq!(typed("a=-3"), Setting::Int64(-3));
        assert_eq!(typed("a=2.5"), Setting::Float64(2.5));
        assert_eq!(typed("a=EUR"), Setting::Text("EUR".into()));
        assert_eq!(typed("a=\"7\""), Setting::Text("7".into()));
        assert!(setting("a").is_err());
    }
}
